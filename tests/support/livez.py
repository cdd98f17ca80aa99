"""An HTTP server's health."""

from http.server import BaseHTTPRequestHandler


class Livez(BaseHTTPRequestHandler):
    """Answers 200 under `/livez` and 503 elsewhere."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200 if self.path == "/livez" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's own name
        """Say nothing."""
