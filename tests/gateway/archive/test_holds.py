import pytest
from support.records import inspection, recorded

from flawgate_contracts.errors import Conflict, InvalidParameter, UnknownHold, UnknownInspection
from flawgate_gateway.archive.holds import HoldBook, HoldOrder
from flawgate_gateway.database.connections import Database

WRONG = "zzz"
NOBODY = "01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10"


async def placed(book: HoldBook, count: int) -> list[str]:
    """Ids of so many holds on parts, the newest first."""
    return [(await book.place(HoldOrder(part=f"SN-{n}", reason="complaint"), "anna")).hold_id for n in range(count)][
        ::-1
    ]


async def test_a_hold_says_who_and_why(database: Database) -> None:
    """And is found as it was placed."""
    book = HoldBook(database)
    hold = await book.place(HoldOrder(lot="2026-47", reason="complaint 118"), "anna")
    assert (hold.lot, hold.author, hold.reason, hold.released_at) == ("2026-47", "anna", "complaint 118", None)
    assert await book.get(hold.hold_id) == hold


async def test_an_inspection_that_is_held_must_be_there(database: Database) -> None:
    """A typing error would hold nothing."""
    book, known = HoldBook(database), inspection()
    await recorded(database, [known])
    hold = await book.place(HoldOrder(inspection_id=known.inspection_id, reason="why"), "anna")
    assert hold.inspection_id == known.inspection_id
    with pytest.raises(UnknownInspection):
        await book.place(HoldOrder(inspection_id=NOBODY, reason="why"), "anna")


async def test_a_hold_is_released_once(database: Database) -> None:
    """It stays in the book, with who released it; the second to do so is told."""
    book = HoldBook(database)
    (hold_id,) = await placed(book, 1)
    released = await book.release(hold_id, "ben")
    assert (released.author, released.released_by) == ("anna", "ben")
    assert released.released_at is not None
    with pytest.raises(Conflict, match="released before"):
        await book.release(hold_id, "carl")
    assert await book.get(hold_id) == released


@pytest.mark.parametrize("hold_id", [NOBODY, "x", "", "' OR 1=1 --"])
async def test_an_unknown_hold_is_said_to_be_so(database: Database, hold_id: str) -> None:
    """Whether it looks like an id or not."""
    with pytest.raises(UnknownHold):
        await HoldBook(database).release(hold_id, "anna")
    with pytest.raises(UnknownHold):
        await HoldBook(database).get(hold_id)


async def test_pages_show_each_hold_once_the_newest_first(database: Database) -> None:
    """Also those that are released, unless only those in force are wanted."""
    book = HoldBook(database)
    ids = await placed(book, 5)
    await book.release(ids[1], "anna")
    seen, token = [], None
    for _ in range(3):
        page = await book.page(page_size=2, page_token=token, in_force=False)
        seen += [hold.hold_id for hold in page.holds]
        token = page.next_page_token
    assert (seen, token) == (ids, None)
    in_force = await book.page(page_size=10, page_token=None, in_force=True)
    assert [hold.hold_id for hold in in_force.holds] == [ids[0], *ids[2:]]


async def test_a_page_token_of_another_kind_is_refused(database: Database) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidParameter, match="page token"):
        await HoldBook(database).page(page_size=1, page_token=WRONG, in_force=False)
