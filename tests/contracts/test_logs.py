import json
import subprocess
import sys

import pytest

PROGRAM = """
import logging
import structlog
from flawgate_contracts.context import bound, new_context
from flawgate_contracts.logs import configure_logging

configure_logging("testing", "info")
with bound(new_context({"x-request-id": "mes-1"})):
    structlog.get_logger("ours").info("hello", answer=42)
    logging.getLogger("theirs").warning("from a library: %s", "x")
    logging.getLogger("httpx").info("HTTP Request: POST https://mes.plant.example/hook?token=secret")
    structlog.get_logger("ours").debug("dropped")
    try:
        1 / 0
    except ZeroDivisionError:
        structlog.get_logger("ours").exception("broken")
"""


def test_every_line_is_one_json_object_with_the_request_id() -> None:
    """Our lines and those of libraries have one schema, on standard error; none says each call with its whole URL."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    lines = [json.loads(line) for line in run.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["hello", "from a library: x", "broken"]
    assert [line["level"] for line in lines] == ["info", "warning", "error"]
    assert {line["service"] for line in lines} == {"testing"}
    assert {line["request_id"] for line in lines} == {"mes-1"}
    assert lines[0]["answer"] == 42
    assert "ZeroDivisionError" in lines[2]["exception"]


MASKED = """
import logging
import structlog
from flawgate_contracts.logs import configure_logging

configure_logging("testing", "info")
structlog.get_logger("ours").info("GET /v1/keys/{key}", path="/{key}/x", answer=42)
logging.getLogger("theirs").warning("header %s", "Bearer {key}")
try:
    raise ValueError("{key} and {webhook}")
except ValueError:
    structlog.get_logger("ours").exception("broken")
"""


def test_a_secret_that_went_astray_is_masked() -> None:
    """In ours, in a library's, in a traceback; what tells which key it was stays."""
    secret = "Zm9v-YmFy_" * 4 + "abc"
    program = MASKED.format(key=f"fg_k3v9x0q2m7ap_{secret}", webhook=f"whsec_{secret}")
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    lines = [json.loads(line) for line in run.stderr.splitlines()]
    assert (lines[0]["event"], lines[0]["path"]) == ("GET /v1/keys/fg_k3v9x0q2m7ap_***", "/fg_k3v9x0q2m7ap_***/x")
    assert lines[1]["event"] == "header Bearer fg_k3v9x0q2m7ap_***"
    assert "fg_k3v9x0q2m7ap_*** and whsec_***" in lines[2]["exception"]
    assert secret not in run.stderr


STRAY = """
import structlog
from flawgate_contracts.logs import configure_logging

configure_logging("testing", "info")
structlog.get_logger("ours").info({text!r}, nested={{"deep": [{text!r}]}})
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://flawgate:s3cr3t@db/records", "postgresql://flawgate:***@db/records"),
        ("rtsp://cam:s3cr3t@1@10.0.0.7/stream", "rtsp://cam:***@10.0.0.7/stream"),
        ("rtsp://:s3cr3t@10.0.0.7/stream is away", "rtsp://:***@10.0.0.7/stream is away"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"),
        ("{'authorization': 'Bearer abc.def-ghi'}", "{'authorization': 'Bearer ***'}"),
        ("asked with bearer eyJhbGciOi.J9", "asked with bearer ***"),
        ("see https://docs.example/a:b@c", "see https://docs.example/a:b@c"),
        ("rtsp://10.0.0.7:554/stream", "rtsp://10.0.0.7:554/stream"),
    ],
)
def test_urls_and_headers_give_no_secret_away(text: str, expected: str) -> None:
    """In a line's event and in whatever its fields hold; what is no secret stays as it is."""
    run = subprocess.run(
        [sys.executable, "-c", STRAY.format(text=text)], capture_output=True, text=True, check=True, timeout=60
    )
    line = json.loads(run.stderr)
    assert (line["event"], line["nested"]) == (expected, {"deep": [expected]})


SPAN = """
import structlog
from flawgate_contracts.context import bound, new_context
from flawgate_contracts.logs import configure_logging

configure_logging("testing", "warning")
caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"
for flags in ("01", "00"):
    with bound(new_context({"traceparent": caller + flags})) as context:
        structlog.get_logger("ours").warning("hello", wanted=context.span_id)
        structlog.get_logger("ours").info("below the level")
"""


def test_a_line_bears_its_trace_and_where_that_is_kept_its_span() -> None:
    """And nothing below the level comes out."""
    run = subprocess.run([sys.executable, "-c", SPAN], capture_output=True, text=True, check=True, timeout=60)
    kept, unkept = (json.loads(line) for line in run.stderr.splitlines())
    assert {kept["trace_id"], unkept["trace_id"]} == {"0af7651916cd43dd8448eb211c80319c"}
    assert kept["span_id"] == kept["wanted"]
    assert "span_id" not in unkept
