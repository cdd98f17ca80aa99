"""What Triton says, in the words of Triton 2.51, and what it stands for. With a real one: tests/triton_server."""

from collections.abc import AsyncIterator

import pytest
from tritonclient.utils import InferenceServerException

from flawgate_contracts.errors import (
    DeadlineExceeded,
    FlawgateError,
    InvalidParameter,
    ModelFailure,
    ModelServerUnavailable,
    RecipeUnavailable,
)
from flawgate_decision.triton import TritonModelServer


@pytest.fixture
async def server() -> AsyncIterator[TritonModelServer]:
    """Never asked."""
    server = TritonModelServer("127.0.0.1:1", max_message_bytes=1024)
    yield server
    await server.close()


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        ("NOT_FOUND", "Request for unknown model: 'spot' version 2 is not found", RecipeUnavailable),
        ("UNAVAILABLE", "Request for unknown model: 'spot' version 1 is not at ready state", RecipeUnavailable),
        ("NOT_FOUND", "Request for unknown model: 'spot' has no available versions", RecipeUnavailable),
        ("NOT_FOUND", "Request for unknown model: 'spot' is not found", RecipeUnavailable),
        ("UNAVAILABLE", "failed to connect to all addresses", ModelServerUnavailable),
        ("DEADLINE_EXCEEDED", "Deadline Exceeded", DeadlineExceeded),
        ("INVALID_ARGUMENT", "unexpected shape for input 'frame'", ModelFailure),
    ],
)
async def test_what_triton_says_of_an_inference(
    server: TritonModelServer, status: str, said: str, error: type[FlawgateError]
) -> None:
    """A version that was let go since a promotion is told from a Triton that is gone."""
    assert error is type(server._error("model spot", InferenceServerException(said, f"StatusCode.{status}")))


async def test_a_model_server_that_hangs_is_not_told_to_be_given_time(server: TritonModelServer) -> None:
    """Whoever reads why a recipe is unavailable can start it again, not wait for longer."""
    found = server._look_error(InferenceServerException("Deadline Exceeded", "StatusCode.DEADLINE_EXCEEDED"))
    assert isinstance(found, ModelServerUnavailable)
    assert found.message == "The model server at 127.0.0.1:1 does not answer within 5 s; start it again if that lasts."


@pytest.mark.parametrize(
    ("status", "said", "error", "sentence"),
    [
        (
            "UNAVAILABLE",
            "explicit model load / unload is not allowed if polling is enabled",
            InvalidParameter,
            "Triton at 127.0.0.1:1 lets nobody load models: start it with --model-control-mode=explicit",
        ),
        (
            "INVALID_ARGUMENT",
            "load failed for model 'spot': version 2 is at UNAVAILABLE state: Internal: no model;\n",
            ModelFailure,
            "cannot load model spot: load failed for model 'spot': version 2 is at UNAVAILABLE state: Internal: no mod",
        ),
        (
            "INTERNAL",
            "failed to load 'spot', failed to poll from model repository",
            ModelFailure,
            "cannot load model spot: failed to load 'spot', failed to poll from model repository.",
        ),
        (
            "UNAVAILABLE",
            "failed to connect to all addresses",
            ModelServerUnavailable,
            "127.0.0.1:1 went away before it had loaded model spot; start it again.",
        ),
        ("DEADLINE_EXCEEDED", "Deadline Exceeded", DeadlineExceeded, "while Triton was at work on model spot"),
    ],
)
async def test_what_triton_says_of_an_order_to_load(
    server: TritonModelServer, status: str, said: str, error: type[FlawgateError], sentence: str
) -> None:
    """The sentence says what to do, or repeats Triton's reason."""
    found = server._load_error("spot", InferenceServerException(said, f"StatusCode.{status}"))
    assert error is type(found)
    assert sentence in found.message
