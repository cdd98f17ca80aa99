"""The subcommands of `flawgate` that the gateway brings along."""

import typer

from flawgate_gateway.access import commands as keys
from flawgate_gateway.archive import commands as pictures
from flawgate_gateway.outbox import commands as outbox
from flawgate_gateway.reviews import commands as reviews


def register(app: typer.Typer) -> None:
    """Add them to the command line."""
    keys.register(app)
    pictures.register(app)
    outbox.register(app)
    reviews.register(app)
