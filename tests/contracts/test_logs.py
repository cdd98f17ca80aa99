import json
import subprocess
import sys

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
