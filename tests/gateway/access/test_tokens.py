import pytest

from flawgate_contracts.errors import Unauthenticated
from flawgate_gateway.access.tokens import KeyText, read_bearer

KEY = KeyText.new()
TEXT = KEY.reveal()


def test_a_key_reads_as_it_was_written() -> None:
    """`fg_`, twelve characters that are public, 43 that are not: 256 bits."""
    prefix, key_id, secret = TEXT.split("_", 2)
    assert (prefix, len(key_id), len(secret)) == ("fg", 12, 43)
    assert read_bearer([f"Bearer {TEXT}"]) == KEY


def test_no_two_keys_are_alike() -> None:
    """Neither in their ids nor in their secrets."""
    keys = [KeyText.new() for _ in range(1000)]
    assert len({key.id for key in keys}) == len({key.secret for key in keys}) == 1000


def test_a_key_does_not_show_its_secret_by_accident() -> None:
    """What a log line or a traceback shows of an object is its `repr` or its `str`."""
    shown = f"{KEY!r} {KEY} {KEY.secret!r} {KEY.secret} {[KEY]}"
    assert KEY.secret.value not in shown
    assert KEY.id in shown


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(scheme: str) -> None:
    """RFC 9110: the name of a scheme knows no upper and lower case; one space or more follow."""
    assert read_bearer([f"{scheme}   {TEXT}"]) == KEY


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [""],
        ["Bearer"],
        ["Bearer "],
        [TEXT],
        [f"Basic {TEXT}"],
        [f"Bearer{TEXT}"],
        [f"Bearer {TEXT}x"],
        [f"Bearer {TEXT[:-1]}"],
        [f"Bearer {TEXT} {TEXT}"],
        [f"Bearer {TEXT}\n"],
        [f"Bearer {TEXT}\r\nX-Scope: admin"],
        [f"Bearer {TEXT}\x00"],
        [f"Bearer {TEXT}, Bearer {TEXT}"],
        [f"Bearer {TEXT[:-1]}é"],
        [f"Bearer {TEXT[:-1]}٣"],
        [f"Bearer {TEXT}" + " " * 1000],
        ["Bearer " + "x" * 100_000],
        ["Bearer fg_' OR 1=1 --_" + "x" * 43],
        [f"Bearer {TEXT}", f"Bearer {TEXT}"],
        [f"Bearer {TEXT}", "Basic x"],
    ],
)
def test_all_else_is_no_key(headers: list[str]) -> None:
    """And the sentence says how to send one, without what was sent."""
    with pytest.raises(Unauthenticated, match="Authorization: Bearer fg_") as refused:
        read_bearer(headers)
    assert KEY.secret.value not in repr(refused.value)
    assert "\n" not in refused.value.message
