"""The batches of an epoch: from an order of frames to what one process shows, from any batch on."""

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from typing import NamedTuple

from torch.utils.data import Sampler


class Draw(NamedTuple):
    """One frame shown: a key that alone decides what is drawn for it."""

    epoch: int
    place: int
    position: int


class Start(NamedTuple):
    """Where training goes on: the epoch, and its first batch not yet learned from."""

    epoch: int = 0
    batch: int = 0


class Share(NamedTuple):
    """Which part of every batch a process learns from: one of `processes` equal ones."""

    rank: int = 0
    processes: int = 1


Batch = tuple[Draw, ...]

_FROM_THE_BEGINNING = Start()
_ALONE = Share()


class Order(Sampler[Batch]):
    """The batches of one epoch after the other; Lightning calls `set_epoch`.

    Args:
        positions: of frames, in order, given the epoch; equally many in every epoch.
        batch_size: frames of a batch, of all processes together.
        start: batches before it are left out; the length stays that of the whole epoch.
        share: of this process.
    """

    def __init__(
        self,
        positions: Callable[[int], Sequence[int]],
        batch_size: int,
        *,
        start: Start = _FROM_THE_BEGINNING,
        share: Share = _ALONE,
    ) -> None:
        self._positions = positions
        self._batch_size = batch_size
        self._start = start
        self._share = share
        self._epoch = start.epoch

    def from_(self, start: Start, share: Share) -> "Order":
        """The same order for another process, from another start."""
        return Order(self._positions, self._batch_size, start=start, share=share)

    def one_by_one(self, epoch: int, most: int | None = None) -> "Order":
        """The frames of one epoch as batches of one, at most so many of them."""
        chosen = self._positions(epoch)[:most]
        return Order(lambda _: chosen, 1, start=Start(epoch))

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that is gone through next."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._bounds(len(self._positions(self._epoch))))

    def __iter__(self) -> Iterator[Batch]:
        epoch = self._epoch
        first = self._start.batch if epoch == self._start.epoch else 0
        draws = [Draw(epoch, place, position) for place, position in enumerate(self._positions(epoch))]
        for bounds in self._bounds(len(draws))[first:]:
            yield self._own(draws[bounds])

    def _bounds(self, count: int) -> list[slice]:
        """Consecutive batches; a rest too small for batch normalisation joins the batch before it."""
        size, least = self._batch_size, 2 * self._share.processes
        starts = list(range(0, count, size))
        if size > 1 and len(starts) > 1 and count - starts[-1] < least:
            starts.pop()
        return [slice(begin, end) for begin, end in zip(starts, [*starts[1:], count], strict=True)]

    def _own(self, batch: Sequence[Draw]) -> Batch:
        """Every `processes`-th frame; a batch that does not divide begins again until it does."""
        rank, processes = self._share
        whole = -(-len(batch) // processes) * processes
        return tuple(islice(cycle(batch), rank, whole, processes))
