from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from support.findings import statuses

from flawgate_cli.doctor.checks import gateway, metrics, models, triton
from flawgate_cli.doctor.scope import Scope
from flawgate_contracts.checkup.findings import Check, Finding, Status

Answers = dict[str, tuple[int, str]]


@contextmanager
def answering(answers: Answers) -> Iterator[str]:
    """A server with these answers, path → status and body; gives its URL."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, ""))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET  # noqa: N815  # the name that the library looks for

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked(scope: Scope, name: str, answers: Answers) -> list[Finding]:
    """What a check of the gateway finds at a gateway with these answers."""
    with answering(answers) as url:
        checks: dict[str, Check] = {
            each.name: each for each in gateway.checks(replace(scope, gateway=url, elsewhere=True))
        }
        return list(checks[name].look())


def recipe_of(state: str, golden: str = "null") -> str:
    """An answer of `/v1/recipes`."""
    named = f'"name": "spot", "version": "1", "state": "{state}", "detail": "It is so.", "golden": {golden}'
    return f'{{"recipes": [{{{named}}}]}}'


def golden_of(age_s: float, passed: int = 5) -> str:
    """The last check of golden frames, so many seconds ago."""
    at = (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat()
    return f'{{"checked_at": "{at}", "passed": {passed}, "failed": 0, "missing": 2, "largest_difference": 0.0}}'


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (recipe_of("READY"), "ok", "no golden frame is at hand"),
        (recipe_of("READY", golden_of(5)), "ok", " s ago, 2 not at hand"),
        (recipe_of("READY", golden_of(5, passed=1)), "ok", "; 1 golden frame passed "),
        (recipe_of("READY", golden_of(10_900)), "warning", "last checked 3 h ago"),
        (recipe_of("UNTRUSTED", golden_of(5)), "error", "every part is NOT_DECIDABLE: It is so."),
        (recipe_of("BROKEN"), "error", "It is BROKEN: It is so."),
        ('{"recipes": []}', "error", "There is no recipe"),
        ('{"other": 1}', "error", "is no gateway of this version"),
        ("<html>", "error", "is no gateway of this version"),
    ],
)
def test_recipes_are_judged(scope: Scope, body: str, status: Status, said: str) -> None:
    """By their state and their golden frames; what is no gateway's answer is told as that."""
    (finding,) = asked(scope, "recipes", {"/v1/recipes": (200, body)})
    assert (finding.status, said in finding.says) == (status, True)


@pytest.mark.parametrize(("code", "status"), [(401, "skipped"), (403, "skipped"), (500, "error")])
def test_a_gateway_that_wants_a_key_is_no_fault(scope: Scope, code: int, status: Status) -> None:
    """An answer that says so is; other refusals are errors."""
    assert statuses(asked(scope, "sinks", {"/v1/sinks": (code, "")})) == [(status, "")]


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ('"pending": 0, "oldest_age_s": 0, "dead": 0, "last_error": null', "ok"),
        ('"pending": 9, "oldest_age_s": 400, "dead": 0, "last_error": "refused"', "warning"),
        ('"pending": 0, "oldest_age_s": 0, "dead": 3, "last_error": "410 Gone"', "warning"),
    ],
)
def test_sinks_are_judged(scope: Scope, facts: str, status: Status) -> None:
    """By what waits for too long, and by what was given up."""
    body = f'{{"sinks": [{{"name": "mes", {facts}}}]}}'
    assert statuses(asked(scope, "sinks", {"/v1/sinks": (200, body)})) == [(status, "mes")]


def test_each_service_behind_the_gateway_is_named(scope: Scope) -> None:
    """Those that are not ready are errors."""
    body = '{"ready": false, "stopping": true, "services": {"decision": false, "records": true}}'
    found = asked(scope, "ready", {"/readyz": (503, body)})
    assert statuses(found) == [("error", "decision"), ("ok", "records"), ("warning", "")]


def test_a_gateway_that_is_not_there_is_told_once(scope: Scope) -> None:
    """The other questions to it are skipped."""
    nobody = replace(scope, gateway="http://127.0.0.1:1", elsewhere=True)
    found = [statuses(check.look()) for check in gateway.checks(nobody)]
    assert found == [[("error", "")], *[[("skipped", "")]] * 3]


def test_nothing_is_asked_of_a_cluster_that_does_not_run(scope: Scope) -> None:
    """That it does not run is no fault."""
    checks = [*gateway.checks(scope), *metrics.checks(scope), triton.checks(scope)[1], models.checks(scope)[1]]
    assert [statuses(check.look()) for check in checks] == [[("skipped", "")]] * 7


CAMERAS = """
flawgate_camera_up{{camera="left"}} {up}
flawgate_camera_connected{{camera="left"}} {connected}
flawgate_camera_spool_oldest_age_seconds{{camera="left"}} {age}
"""


@pytest.mark.parametrize(
    ("up", "connected", "age", "status"),
    [(1, 1, 0, "ok"), (0, 1, 0, "error"), (1, 0, 0, "error"), (1, 1, 900, "warning")],
)
def test_cameras_are_judged_by_their_agents_metrics(
    scope: Scope, up: int, connected: int, age: int, status: Status
) -> None:
    """Pictures, the stream to the gateway, what waits on disk."""
    with answering({"/metrics": (200, CAMERAS.format(up=up, connected=connected, age=age))}) as url:
        (check,) = metrics.camera_checks(replace(scope, cameras=(f"{url}/metrics",)))
        assert statuses(check.look()) == [(status, "left")]


def test_an_agent_that_does_not_answer_is_an_error(scope: Scope) -> None:
    """With its URL."""
    (check,) = metrics.camera_checks(replace(scope, cameras=("http://127.0.0.1:1/metrics",)))
    assert statuses(check.look()) == [("error", "http://127.0.0.1:1/metrics")]
