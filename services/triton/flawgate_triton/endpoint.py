"""What the launcher asks a running Triton over HTTP (KServe v2 and Triton's model repository extension)."""

import json
from collections.abc import Container, Iterator, Mapping
from http.client import HTTPConnection, HTTPException

TIMEOUT_S = 5.0
ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - recognised, not bound


class Endpoint:
    """Triton's HTTP port.

    Args:
        host: as Triton binds it; where that is "any address", loopback is asked.
        port: 1-65535.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = "127.0.0.1" if host == ANY_ADDRESS else host
        self._port = port

    def is_ready(self) -> bool:
        """Whether the server answers, and has tried to load its models."""
        try:
            status, _ = self._request("GET", "/v2/health/ready")
        except (OSError, HTTPException):
            return False
        return status == 200

    def load_failures(self, wanted: Container[str] | None) -> Iterator[str]:
        """One sentence, with Triton's reason, for each model that was to be loaded and was not.

        Args:
            wanted: names of the models that were to be loaded; None = all in the repository.
        """
        _, body = self._request("POST", "/v2/repository/index")
        for model in json.loads(body):
            if (wanted is None or model["name"] in wanted) and model.get("state") != "READY":
                yield f"model {model['name']!r} is not served: {_reason(model)}"

    def _request(self, method: str, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def _reason(model: Mapping[str, str]) -> str:
    """Triton's reason on one line; around a sentence of our backend's it puts an error class and a stack.

    Of a model whose configuration it cannot read the index knows the name alone.
    """
    if "reason" not in model:
        return "Triton cannot read its config.pbtxt, see the log above."
    sentence = model["reason"].partition("\n\nAt:")[0]
    for wrapping in ("Internal: ", "TritonModelException: ", f"model {model['name']!r}: "):
        sentence = sentence.removeprefix(wrapping)
    return " ".join(sentence.split())
