from pathlib import Path

import pytest

from flawgate_camera.config.urls import Credentials, SecretUrl
from flawgate_contracts.errors import InvalidParameter


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://user:pw@cam/live", "rtsp://cam/live"),
        ("rtsp://user:p%40w@cam:554/live", "rtsp://cam:554/live"),
        ("http://cam/video.cgi?user=a&pwd=b", "http://cam/video.cgi?***"),
        ("rtsp://cam/user=admin&password=pw&channel=1", "rtsp://cam/***"),
        ("rtsp://u:pw@[fe80::1]:8554/s", "rtsp://[fe80::1]:8554/s"),
    ],
)
def test_a_url_shows_no_secret(url: str, shown: str) -> None:
    """Passwords before the host, in the query or in the path are hidden; the whole URL is still there to connect."""
    parsed = SecretUrl.parse(url)
    assert str(parsed) == shown
    assert "pw" not in repr(parsed)
    assert parsed.whole() == url


def test_credentials_are_quoted() -> None:
    """A password may hold every sign."""
    parsed = SecretUrl.parse("rtsp://cam/live")
    assert parsed.whole(Credentials("tech", "a:b@c/d")) == "rtsp://tech:a%3Ab%40c%2Fd@cam/live"


def test_credentials_come_from_a_file(tmp_path: Path) -> None:
    """The first line is user and password; the password may hold colons."""
    path = tmp_path / "credentials"
    path.write_text("tech:a:b\n# a note\n")
    assert Credentials.read(path) == Credentials("tech", "a:b")
    assert "a:b" not in repr(Credentials.read(path))


@pytest.mark.parametrize("text", ["", "tech", ":pw"])
def test_a_file_without_credentials_is_refused(tmp_path: Path, text: str) -> None:
    """Another first line is told in a sentence that does not show it."""
    path = tmp_path / "credentials"
    path.write_text(text)
    with pytest.raises(InvalidParameter, match="must be `user:password`"):
        Credentials.read(path)
