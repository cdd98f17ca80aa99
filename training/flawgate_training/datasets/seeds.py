"""Which seeds generated pictures have: those to learn from, to choose and to judge never meet."""

from collections.abc import Iterator

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.datasets.items import Subset

VALIDATION_SEED = 500_000
"""Seeds from here on are for choosing."""

HELD_OUT_SEED = 1_000_000
"""Seeds from here on are for judging; training and choosing stay below."""

_MOST = VALIDATION_SEED


def seeds(*, train: int, validation: int, test: int) -> Iterator[tuple[int, Subset]]:
    """Every seed and its subset.

    Args:
        train: number of frames to learn from.
        validation: number of frames that choose.
        test: number of frames to judge upon.

    Raises:
        InvalidExperiment: more frames to learn from, or to choose, than there are seeds.
    """
    if max(train, validation) > _MOST:
        raise InvalidExperiment(
            f"There are seeds for {_MOST} generated frames to learn from and as many to choose, but "
            f"{max(train, validation)} were asked for; lower data.train or data.validation.",
            {"field": "data.train"},
        )
    counts: tuple[tuple[int, int, Subset], ...] = (
        (0, train, "train"),
        (VALIDATION_SEED, validation, "validation"),
        (HELD_OUT_SEED, test, "test"),
    )
    for first, count, subset in counts:
        for seed in range(first, first + count):
            yield seed, subset
