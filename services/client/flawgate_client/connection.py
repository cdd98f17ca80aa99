"""How both clients reach a gateway: its URL, the key, certificates, times."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from flawgate_client.conversation import Request

Verify = bool | Path | ssl.SSLContext
"""Of TLS: True for the usual authorities, a file of certificates to trust instead, or a context (mTLS)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What a client is made with.

    Raises:
        ValueError: one of them cannot be used; says which.
    """

    url: str
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float
    verify: Verify

    def __post_init__(self) -> None:
        if not self.timeout_s > 0:
            raise ValueError(f"`timeout_s` is {self.timeout_s}; it is more than 0.")
        if self.api_key is not None and not (self.api_key.isascii() and self.api_key.isprintable() and self.api_key):
            raise ValueError("The API key has characters that no key has; give it as `flawgate keys create` said it.")

    def http_options(self) -> dict[str, Any]:
        """Arguments of httpx's clients."""
        url = _checked(self.url)
        return {
            "base_url": url,
            "timeout": self.timeout_s,
            "headers": {} if self.api_key is None else {"authorization": f"Bearer {self.api_key}"},
            # The factory's proxy settings are for the outside; the gateway is named by the caller.
            "trust_env": False,
            # Reading the machine's certificates takes longer than an inspection.
            "verify": _verify(self.verify) if url.scheme == "https" else False,
        }


def http_arguments(request: Request) -> dict[str, Any]:
    """Arguments of `request` of httpx's clients."""
    arguments: dict[str, Any] = {
        "method": request.method,
        "url": request.path,
        "params": request.query,
        "headers": request.headers,
    }
    if request.files is not None:
        return {**arguments, "data": request.form, "files": request.files}
    return {**arguments, "json": request.json} if request.json is not None else arguments


def _checked(url: str) -> httpx.URL:
    try:
        checked = httpx.URL(url)
    except httpx.InvalidURL:
        checked = httpx.URL()
    if checked.scheme not in ("http", "https") or not checked.host:
        raise ValueError(f"`{url}` is no URL of a gateway; write it like http://127.0.0.1:8080.")
    return checked


def _verify(verify: Verify) -> bool | ssl.SSLContext:
    if not isinstance(verify, Path):
        return verify
    try:
        return ssl.create_default_context(cafile=verify)
    except OSError as err:  # ssl's errors are some, too
        raise ValueError(f"`verify`: {verify} is no file of certificates that can be read ({err}).") from err
