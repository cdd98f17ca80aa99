"""An alarm that posts to a URL."""

from importlib.metadata import version

import httpx

from flawgate_camera.alarms.actions.base import ActionFailed
from flawgate_camera.alarms.facts import Signal
from flawgate_camera.config.alarms import HttpAction


class HttpTelling:
    """Posts the state as JSON; any status of 2xx is a yes. The body of the answer is not read."""

    def __init__(self, config: HttpAction) -> None:
        self._url = config.url
        self.timeout_s = config.timeout_s
        self.tries = config.tries
        self._client: httpx.AsyncClient | None = None

    async def tell(self, signal: Signal) -> None:
        """See `Telling`."""
        if self._client is None:
            self._client = self._new_client()
        try:
            async with self._client.stream("POST", self._url.bare(), json=signal.told()) as response:
                status = response.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as err:
            # The error's own words may hold the URL, and that a password.
            raise ActionFailed(f"{self._url} cannot be reached ({type(err).__name__}).") from None
        if not 200 <= status < 300:
            raise ActionFailed(f"{self._url} answered with status {status}.")

    async def close(self) -> None:
        """See `Telling`."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _new_client(self) -> httpx.AsyncClient:
        known = self._url.credentials
        return httpx.AsyncClient(
            auth=None if known is None else (known.user, known.password),
            headers={"user-agent": f"flawgate/{version('flawgate-camera')}"},
            timeout=self.timeout_s,
            follow_redirects=False,
            trust_env=False,
        )
