"""From a run's configuration to the samples it learns from and those it is judged upon."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flawgate_contracts.errors import InvalidParameter
from flawgate_training.config import KolektorData, RunConfig, TextureData
from flawgate_training.datasets import kolektor_sdd, texture
from flawgate_training.datasets.folds import group_folds
from flawgate_training.datasets.samples import Pixels, Sample, input_steps


@dataclass(frozen=True)
class Split:
    """Samples of one run.

    Attributes:
        train: to learn from.
        test: to be judged upon; none where the run learns from everything.
    """

    train: tuple[Sample, ...]
    test: tuple[Sample, ...]


def load_split(config: RunConfig, folder: Path | None) -> Split:
    """Load the data of a run.

    Args:
        config: of the run.
        folder: of the data set, where it is one of files.

    Raises:
        InvalidParameter: no folder is given, it is not that of the data set, or there is no such fold.
    """
    match config.data:
        case KolektorData() as data:
            return kolektor_split(data, load_kolektor(config, folder))
        case TextureData() as data:
            return _texture_split(config, data)


def load_kolektor(config: RunConfig, folder: Path | None) -> list[Sample]:
    """All samples of KolektorSDD, as this run sees them.

    Raises:
        InvalidParameter: no folder is given, or it is not that of KolektorSDD.
    """
    if folder is None:
        raise InvalidParameter("This run learns from KolektorSDD; give its folder with --data.", {"field": "data"})
    return kolektor_sdd.load(folder, steps=input_steps(config), dilation=config.data.dilation)


def kolektor_split(data: KolektorData, samples: Sequence[Sample]) -> Split:
    """Hold out one fold, or nothing.

    Raises:
        InvalidParameter: there is no such fold.
    """
    if data.fold is None:
        return Split(tuple(samples), ())
    if data.fold >= data.folds:
        raise InvalidParameter(f"There is no fold {data.fold}; choose 0 to {data.folds - 1}.", {"field": "fold"})
    groups, defective = [sample.group for sample in samples], [sample.defective for sample in samples]
    fold = group_folds(groups, defective, count=data.folds, seed=data.split_seed)[data.fold]
    return Split(tuple(samples[index] for index in fold.train), tuple(samples[index] for index in fold.test))


def _texture_split(config: RunConfig, data: TextureData) -> Split:
    steps = input_steps(config)
    held_out = range(texture.HELD_OUT_SEED, texture.HELD_OUT_SEED + data.test_samples)
    train, test = (
        texture.load(seeds, steps=steps, dilation=data.dilation) for seeds in (range(data.train_samples), held_out)
    )
    return Split(tuple(train), tuple(test))


def parity_frames(config: RunConfig, folder: Path | None, *, count: int = 16) -> list[Pixels]:
    """Frames on which an export is compared with its network, half of them defective.

    Args:
        config: of the run.
        folder: of the data set, where it is one of files; without it, generated textures stand in.
        count: at most so many.

    Raises:
        InvalidParameter: the folder is not that of the data set.
    """
    if isinstance(config.data, KolektorData) and folder is not None:
        samples = load_kolektor(config, folder)
        halves = [[sample for sample in samples if sample.defective is wanted] for wanted in (True, False)]
        return [sample.pixels for half in halves for sample in half[: count // 2]]
    steps = input_steps(config)
    seeds = range(texture.HELD_OUT_SEED, texture.HELD_OUT_SEED + count)
    return [sample.pixels for sample in texture.load(seeds, steps=steps, dilation=1)]
