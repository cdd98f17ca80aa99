"""`python -m flawgate_gateway`: settings from the environment, served until SIGTERM."""

from flawgate_contracts.serving import run_service
from flawgate_gateway.app import serve
from flawgate_gateway.settings import GatewaySettings

if __name__ == "__main__":
    run_service("gateway", GatewaySettings, serve)
