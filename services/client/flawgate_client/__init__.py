"""A client of a Flawgate gateway: frames in, inspections out, each frame exactly once."""

from flawgate_client.answers import Box, Capture, Defect, Inspection, Model, Review
from flawgate_client.awaiting import AsyncClient
from flawgate_client.blocking import Client
from flawgate_client.errors import (
    Conflict,
    Denied,
    Failed,
    Fault,
    FlawgateError,
    InvalidRequest,
    NotFound,
    Refused,
    Unavailable,
    Unreachable,
)
from flawgate_client.questions import Filters, Frame

__all__ = [
    "AsyncClient",
    "Box",
    "Capture",
    "Client",
    "Conflict",
    "Defect",
    "Denied",
    "Failed",
    "Fault",
    "Filters",
    "FlawgateError",
    "Frame",
    "Inspection",
    "InvalidRequest",
    "Model",
    "NotFound",
    "Refused",
    "Review",
    "Unavailable",
    "Unreachable",
]
