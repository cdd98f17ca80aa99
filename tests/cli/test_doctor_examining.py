import json
import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from flawgate_cli.doctor import report
from flawgate_cli.doctor.checks.contributed import contributed
from flawgate_cli.doctor.examining import Examination, Found
from flawgate_contracts.checkup.findings import Check, Finding, Place, error, ok, skipped, warning
from flawgate_contracts.errors import Unavailable

PLACE = Place(Path("models"))


def examined(look: Callable[[], Iterator[Finding]], timeout_s: float = 5.0) -> list[Finding]:
    """What one check finds."""
    return [found.finding for found in Examination([Check("area", "name", look, timeout_s)]).run()]


def test_a_check_that_crashes_is_an_error_of_its_own() -> None:
    """What it found before counts, the others go on, and the exception's words are not told."""

    def crash() -> Iterator[Finding]:
        yield ok("The first half.")
        raise RuntimeError("postgresql://user:open-sesame@host")

    others = Check("area", "other", lambda: [ok("Fine.")])
    found = Examination([Check("area", "name", crash), others]).run()
    assert [(each.check, each.finding.status) for each in found] == [("name", "ok"), ("name", "error"), ("other", "ok")]
    assert found[1].finding.says == "The check itself failed (RuntimeError)."


def test_an_error_of_ours_is_told_in_its_own_words() -> None:
    """Its message is made for people."""

    def refuse() -> Iterator[Finding]:
        yield from ()
        raise Unavailable("The press is closed.")

    assert [(each.status, each.says) for each in examined(refuse)] == [("error", "The press is closed.")]


def test_a_check_that_hangs_ends_with_its_time() -> None:
    """What it found until then counts; the doctor does not wait for it."""
    forever = threading.Event()

    def hang() -> Iterator[Finding]:
        yield ok("The first half.")
        forever.wait(30)

    began = time.monotonic()
    assert [each.says for each in examined(hang, 0.2)] == ["The first half.", "The check took longer than 0.2 s."]
    assert time.monotonic() - began < 5
    forever.set()


def test_no_user_and_password_of_a_url_is_told() -> None:
    """Whoever wrote the sentence, and whatever stands in the password."""
    (found,) = examined(lambda: iter([error("At https://u:p@1@host/x.", "Ask amqp://u:p@host.", subject="")]))
    assert (found.says, found.advice) == ("At https://***@host/x.", "Ask amqp://***@host.")


def test_areas_stand_together_in_their_order() -> None:
    """Known ones first, whichever package contributes their checks."""
    checks = [Check(area, str(number), lambda: [ok("Fine.")]) for number, area in enumerate("cabac")]
    found = Examination(checks, ["a", "b"]).run()
    assert [(each.area, each.check) for each in found] == [("a", "1"), ("a", "3"), ("b", "2"), ("c", "0"), ("c", "4")]


def test_a_package_that_cannot_be_loaded_is_named() -> None:
    """It is half installed: that is what the doctor is asked for."""
    entry = EntryPoint("kiln", "flawgate_kiln.checkup:checks", "flawgate.doctor_checks")
    (check,) = contributed([entry], PLACE)
    (finding,) = check.look()
    assert (finding.status, finding.says) == (
        "error",
        "The checks of flawgate_kiln cannot be loaded (ModuleNotFoundError: No module named 'flawgate_kiln').",
    )


def found(*findings: Finding) -> list[Found]:
    """Of one check."""
    return [Found("disk", "folder", finding, 0.25) for finding in findings]


ALL = found(
    ok("Fine."), warning("Nearly full.", "Free some."), error("Full.", "Free some.", subject="b"), skipped("No.")
)


@pytest.mark.parametrize(("count", "status", "word"), [(1, 0, "ok"), (2, 1, "warning"), (3, 2, "error")])
def test_the_worst_finding_is_the_exit_status(count: int, status: int, word: str) -> None:
    """0, 1 and 2, as monitoring plug-ins have it; what was skipped does not count."""
    findings = [*ALL[:count], ALL[3]]
    assert (report.exit_status(findings), report.worst(findings)) == (status, word)


def test_the_json_has_its_schema() -> None:
    """Members are documented, so they stay; no password of the gateway's URL is in them."""
    document = json.loads(report.as_json(ALL, "https://user:open-sesame@host"))
    assert document.pop("examined_at").endswith("Z")
    assert document == {
        "schema_version": 1,
        "gateway": "https://***@host",
        "status": "error",
        "counts": {"ok": 1, "warning": 1, "error": 1, "skipped": 1},
        "findings": [
            _member("ok", "Fine."),
            _member("warning", "Nearly full.", "Free some."),
            _member("error", "Full.", "Free some.", "b"),
            _member("skipped", "No."),
        ],
    }


def _member(status: str, says: str, advice: str | None = None, subject: str | None = None) -> dict[str, object]:
    told = {"status": status, "says": says, "advice": advice, "seconds": 0.25}
    return {"area": "disk", "check": "folder", "subject": subject, **told}


def test_without_a_terminal_each_finding_is_one_line() -> None:
    """So that it can be searched, however long it is."""
    out = StringIO()
    report.show(found(error("x" * 200 + ".", "Do it.", subject="b")), Console(file=out, highlight=False))
    assert out.getvalue() == f"error   disk: folder b: {'x' * 200}. Do it.\n1 error, 0 warnings, 0 ok, 0 skipped\n"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table_fits_the_terminal(width: int) -> None:
    """Nothing is cut: long sentences and names are folded."""
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system=None, highlight=False)
    report.show(found(warning("A " + "long " * 30 + "end.", "Do it.", subject="with_a_name_of_some_length")), console)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in out.getvalue()
    assert "".join(out.getvalue().split()).count("long") == 30
