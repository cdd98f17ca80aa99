"""Reads studies: YAML files of one page."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.experiment import loading as experiments
from flawgate_training.experiment.schema import Experiment
from flawgate_training.studies.schema import Study, Variant

_PACKAGE = Path(__file__).parents[1]


def folder() -> Path:
    """Where the studies lie: beside the package in a clone, inside it where it was installed."""
    beside = _PACKAGE.parent / "studies"
    return beside if beside.is_dir() else _PACKAGE / "studies"


def names(within: Path | None = None) -> list[str]:
    """Names of the studies, in alphabetical order.

    Args:
        within: another folder of studies; ours where None.
    """
    return sorted(path.stem for path in (within or folder()).glob("*.yaml"))


def load(name: str, within: Path | None = None) -> Study:
    """Read a study, and see that each of its experiments can be carried out.

    Args:
        name: as in `names`.
        within: see `names`.

    Raises:
        InvalidExperiment: there is no such study, it is no YAML, a key or value does not fit, or one of its experiments
            is unknown or does not take the settings.
    """
    study = _read(name, within)
    for variant in study.variants:
        _check(study, variant)
    return study


def load_all(within: Path | None = None) -> list[Study]:
    """Every study as it is described, in the order of the page; one whose experiment is missing is no other's trouble.

    Args:
        within: see `names`.

    Raises:
        InvalidExperiment: one is no YAML, or a key or value does not fit.
    """
    return sorted((_read(name, within) for name in names(within)), key=lambda study: (study.place, study.name))


def experiment_of(variant: Variant, seed: int) -> Experiment:
    """What a variant trains with a seed.

    Raises:
        InvalidExperiment: see `experiment.loading.load`.
    """
    return experiments.load(variant.experiment, [*variant.settings, f"seed={seed}"])


def _read(name: str, within: Path | None) -> Study:
    if name not in names(within):
        near = get_close_matches(name, names(within), n=1, cutoff=0.4)
        raise InvalidExperiment(
            f"There is no study {name!r}{f'; did you mean {near[0]}' if near else ''}? "
            "`flawgate reproduce --list` lists all.",
            {"field": "study"},
        )
    return _validated(experiments.mapping((within or folder()) / f"{name}.yaml", "a study"), name)


def _check(study: Study, variant: Variant) -> None:
    try:
        experiment_of(variant, study.seeds[0])
    except InvalidExperiment as err:
        raise InvalidExperiment(f"{study.name}.yaml, variant {variant.name}: {err.message}", err.metadata) from err


def _validated(described: dict[str, Any], name: str) -> Study:
    try:
        return Study.model_validate({**described, "name": name})
    except ValidationError as err:
        faults = [(".".join(map(str, fault["loc"])) or "study", fault) for fault in err.errors()]
        told = "; ".join(f"{place}: {_sentence(fault['type'], fault['msg'])}" for place, fault in faults)
        raise InvalidExperiment(f"{name}.yaml: {told}.", {"field": faults[0][0]}) from err


def _sentence(kind: str, message: str) -> str:
    return "unknown key" if kind == "extra_forbidden" else message.removeprefix("Value error, ")
