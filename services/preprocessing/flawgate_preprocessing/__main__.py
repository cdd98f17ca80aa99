"""`python -m flawgate_preprocessing`: settings from the environment, served until SIGTERM."""

from flawgate_contracts.serving import run_service
from flawgate_preprocessing.app import serve
from flawgate_preprocessing.settings import PreprocessingSettings

if __name__ == "__main__":
    run_service("preprocessing", PreprocessingSettings, serve)
