from collections import Counter
from itertools import chain

import pytest

from flawgate_training.learning.order import Order, Share, Start


def order(count: int, batch_size: int) -> Order:
    """Epoch e shows the positions from 100 e on."""
    return Order(lambda epoch: range(100 * epoch, 100 * epoch + count), batch_size)


def positions(order_: Order, epoch: int) -> list[list[int]]:
    """The batches of one epoch."""
    order_.set_epoch(epoch)
    return [[draw.position for draw in batch] for batch in order_]


@pytest.mark.parametrize(
    ("count", "size", "sizes"),
    [(6, 2, [2, 2, 2]), (8, 3, [3, 3, 2]), (7, 3, [3, 4]), (5, 2, [2, 3]), (3, 1, [1, 1, 1]), (1, 4, [1])],
)
def test_batches(count: int, size: int, sizes: list[int]) -> None:
    """Batches follow each other; a single frame that is left over joins the batch before, for batch normalisation."""
    batches = positions(order(count, size), 2)
    assert [len(batch) for batch in batches] == sizes
    assert [*chain(*batches)] == list(range(200, 200 + count))
    assert len(order(count, size)) == len(sizes)


def test_keys_tell_epoch_and_place() -> None:
    """Each key carries the epoch and the place within it, by which everything else is drawn."""
    whole = order(3, 2)
    whole.set_epoch(4)
    assert [tuple(draw) for batch in whole for draw in batch] == [(4, 0, 400), (4, 1, 401), (4, 2, 402)]


def test_begins_in_the_midst_of_one_epoch_alone() -> None:
    """From a start on, the batches before are left out of that epoch, and of no other; the length stays the same."""
    resumed = order(8, 2).from_(Start(epoch=1, batch=2), Share())
    assert next(iter(resumed))[0].position == 104
    assert positions(resumed, 1) == [[104, 105], [106, 107]]
    assert positions(resumed, 2) == positions(order(8, 2), 2)
    assert len(resumed) == 4


@pytest.mark.parametrize("count", [12, 13, 14, 15])
def test_processes_share_every_batch(count: int) -> None:
    """Two processes take equal parts of every batch: together all of it, twice only what does not divide."""
    first, second = (positions(order(count, 4).from_(Start(), Share(rank, 2)), 0) for rank in (0, 1))
    assert [len(batch) for batch in first] == [len(batch) for batch in second]
    together = Counter(chain(*first, *second))
    assert set(together) == set(range(count))
    assert sum(together.values()) == count + count % 2


def test_one_by_one() -> None:
    """The frames of an epoch come singly too, with the same keys, and only so many."""
    singly = order(5, 4).one_by_one(3, most=2)
    assert [tuple(batch) for batch in singly] == [((3, 0, 300),), ((3, 1, 301),)]
