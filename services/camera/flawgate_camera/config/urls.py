"""URLs that hold credentials: taken apart at once, so that no log, metric, error or repr shows them."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from flawgate_contracts.errors import InvalidParameter

HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whom a camera lets in; never shown."""

    user: str = field(repr=False)
    password: str = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "Credentials":
        """Read `user:password`, the first line of a file.

        Raises:
            InvalidParameter: the file cannot be read, or its first line is something else.
        """
        try:
            first = path.read_text("utf-8").partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as err:
            why = err.strerror if isinstance(err, OSError) else "it is no text in UTF-8"
            raise InvalidParameter(f"The credentials file {path} cannot be read: {why}.") from None
        user, colon, password = first.partition(":")
        if not (user and colon):
            raise InvalidParameter(f"The first line of the credentials file {path} must be `user:password`.")
        return cls(user, password)


@dataclass(frozen=True, slots=True)
class SecretUrl:
    """A URL that shows itself without credentials.

    Passwords stand before the host, in the query, or, at some cameras, in the path (`/user=admin&password=...`):
    what may be one is hidden.
    """

    shown: str
    _parts: SplitResult = field(repr=False)

    @classmethod
    def parse(cls, text: str, schemes: tuple[str, ...] = ()) -> "SecretUrl":
        """Take a URL apart.

        Args:
            text: the URL.
            schemes: those allowed; all where empty.

        Raises:
            ValueError: no URL with a host, or another scheme; the sentence holds nothing of the URL.
        """
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host:
            raise ValueError("write a URL with a host, e.g. rtsp://192.168.0.10/stream") from None
        if schemes and parts.scheme not in schemes:
            raise ValueError(f"write a URL that begins with {', '.join(f'{scheme}://' for scheme in schemes)}")
        return cls(_shown(parts, host, port), parts)

    @property
    def host(self) -> str:
        """Name or address."""
        return self._parts.hostname or ""

    @property
    def scheme(self) -> str:
        """E.g. `rtsp`."""
        return self._parts.scheme

    @property
    def port(self) -> int | None:
        """None where the scheme's own is meant."""
        return self._parts.port

    @property
    def credentials(self) -> Credentials | None:
        """Those that stand before the host."""
        if self._parts.username is None:
            return None
        return Credentials(unquote(self._parts.username), unquote(self._parts.password or ""))

    def bare(self) -> str:
        """Whole, but without what stands before the host. May hold secrets in its query: show it to nobody."""
        return self._parts._replace(netloc=_netloc(self.host, self.port)).geturl()

    def whole(self, credentials: Credentials | None = None) -> str:
        """With credentials, these or its own. A secret: show it to nobody."""
        known = credentials or self.credentials
        if known is None:
            return self.bare()
        user = f"{quote(known.user, safe='')}:{quote(known.password, safe='')}"
        return self._parts._replace(netloc=f"{user}@{_netloc(self.host, self.port)}").geturl()

    def __str__(self) -> str:
        return self.shown

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls.parse, core_schema.str_schema())


def _netloc(host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port is None else f"{name}:{port}"


def _shown(parts: SplitResult, host: str, port: int | None) -> str:
    path = f"/{HIDDEN}" if any(sign in parts.path for sign in "=&@") else parts.path
    query = f"?{HIDDEN}" if parts.query else ""
    return f"{parts.scheme}://{_netloc(host, port)}{path}{query}"
