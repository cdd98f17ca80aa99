"""What is asked of Triton, path by path."""

import re

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from flawgate_contracts.errors import InvalidRequest, UnsupportedMediaType
from flawgate_gateway.oip.triton import TritonHttp

PREFIX = "/v2"
OK, NO = 200, 400
RESPONSE_HEADERS = ("content-type", "content-length", "content-encoding", "inference-header-content-length")
"""What comes back to the caller of Triton's headers."""
EXTENSIONS = {"binary_tensor_data", "classification", "parameters", "schedule_policy", "sequence"}
"""Extensions of the protocol that work from here; the paths of the others end at this door."""

RESERVED = {"stats"}
"""Names that mean something else in Triton's paths: statistics of all models."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_VERSION = re.compile(r"[1-9][0-9]{0,17}")


def model_routes(triton: TritonHttp) -> list[Route]:
    """Health, metadata, readiness and inference; each path with and without a version."""

    async def live(_: Request) -> Response:
        return _truth("live", await triton.get(f"{PREFIX}/health/live"))

    async def ready(_: Request) -> Response:
        return _truth("ready", await triton.get(f"{PREFIX}/health/ready"))

    async def server(_: Request) -> Response:
        return _server_metadata(await triton.get(PREFIX))

    async def model(request: Request) -> Response:
        return _as_it_came(await triton.get(_model_path(request)))

    async def model_ready(request: Request) -> Response:
        answer = await triton.get(f"{_model_path(request)}/ready")
        return _truth("ready", answer, name=request.path_params["name"])

    routes: list[Route] = [
        _Route(PREFIX, server),
        _Route(f"{PREFIX}/health/live", live),
        _Route(f"{PREFIX}/health/ready", ready),
    ]
    for path in (f"{PREFIX}/models/{{name}}", f"{PREFIX}/models/{{name}}/versions/{{version}}"):
        routes += [
            _Route(path, model),
            _Route(f"{path}/ready", model_ready),
            _Route(f"{path}/infer", _Infer(triton), methods=["POST"]),
        ]
    return routes


class _Route(Route):
    """A route that says which it is, as those of FastAPI do: requests are counted by it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether it is asked for."""
        match, found = super().matches(scope)
        return match, {**found, "route": self}


class _Infer:
    """An inference, streamed both ways: tensors are not looked at, nor held."""

    def __init__(self, triton: TritonHttp) -> None:
        self._triton = triton

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        request = Request(scope, receive)
        _check_encoding(request)
        async with self._triton.posted(f"{_model_path(request)}/infer", request) as answer:
            response = StreamingResponse(answer.aiter_raw(), answer.status_code, _picked(answer))
            await response(scope, receive, send)


def _model_path(request: Request) -> str:
    """Where Triton has that model.

    Raises:
        InvalidRequest: the name or the version is none that a model could have.
    """
    name, version = request.path_params["name"], request.path_params.get("version")
    if not _NAME.fullmatch(name) or name in RESERVED:
        raise InvalidRequest(f"{name[:64]!r} is no model's name; write letters, digits, `_`, `-` and `.`.")
    if version is None:
        return f"{PREFIX}/models/{name}"
    if not _VERSION.fullmatch(version):
        raise InvalidRequest(f"{version[:64]!r} is no model's version; write a whole number from 1.")
    return f"{PREFIX}/models/{name}/versions/{version}"


def _check_encoding(request: Request) -> None:
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedMediaType(
            f"The body is compressed ({encoding[:32]}), so that its true length cannot be bounded; send it as it is."
        )


def _truth(word: str, answer: httpx.Response, **facts: str) -> Response:
    """Health: the status is the truth, 200 or 400; the body says it once more."""
    is_so = answer.status_code == OK
    return JSONResponse({**facts, word: is_so}, OK if is_so else NO)


def _server_metadata(answer: httpx.Response) -> Response:
    if answer.status_code != OK:
        return _as_it_came(answer)
    facts = answer.json()
    return JSONResponse({**facts, "extensions": [name for name in facts["extensions"] if name in EXTENSIONS]})


def _as_it_came(answer: httpx.Response) -> Response:
    return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))


def _picked(answer: httpx.Response) -> dict[str, str]:
    return {name: answer.headers[name] for name in RESPONSE_HEADERS if name in answer.headers}
