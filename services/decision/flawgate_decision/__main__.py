"""`python -m flawgate_decision`: settings from the environment, served until SIGTERM."""

from flawgate_contracts.serving import run_service
from flawgate_decision.app import serve
from flawgate_decision.settings import DecisionSettings

if __name__ == "__main__":
    run_service("decision", DecisionSettings, serve)
