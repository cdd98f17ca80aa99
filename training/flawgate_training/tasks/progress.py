"""What a command says while it works."""

import logging


def show_progress() -> None:
    """Our log lines on standard error from INFO up, those of the libraries from WARNING up."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.getLogger("flawgate_training").setLevel(logging.INFO)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
