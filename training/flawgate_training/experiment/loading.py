"""Reads experiments: YAML files of one page, which may extend another one, and settings from the command line."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.experiment.part import Part
from flawgate_training.experiment.schema import Experiment

_PACKAGE = Path(__file__).parents[1]
_EXTENDS = "extends"
_VARIANTS = ("kind", "name", "op", "architecture")
"""Keys that say which of several descriptions a mapping is: where they differ, it is replaced and not merged."""
_MAX_DEPTH = 8


def folder() -> Path:
    """Where the experiments lie: beside the package in a clone, inside it where it was installed."""
    beside = _PACKAGE.parent / "experiments"
    return beside if beside.is_dir() else _PACKAGE / "experiments"


def names() -> list[str]:
    """Names of the experiments, in alphabetical order."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def load(name: str, settings: Sequence[str] = (), *, recipe: str | None = None) -> Experiment:
    """Read an experiment.

    Args:
        name: as in `names`, or the path of a YAML file.
        settings: `key=value` with a dotted key and a value in YAML, e.g. `stages.segmentation.epochs=25`.
        recipe: the name that the experiment shall bear; its file's where None.

    Raises:
        InvalidExperiment: there is no such experiment, the file is no YAML, or a key or value does not fit.
    """
    path = _path(name)
    described = _merged(path, depth=0)
    for setting in settings:
        _apply(described, setting)
    return validated({**described, "name": recipe or path.stem}, source=path.name)


def changed(experiment: Experiment, settings: Sequence[str]) -> Experiment:
    """The experiment with some of its settings changed.

    Args:
        experiment: stays as it is.
        settings: see `load`.

    Raises:
        InvalidExperiment: a key or value does not fit.
    """
    described = experiment.model_dump(mode="json")
    for setting in settings:
        _apply(described, setting)
    return validated(described, source=experiment.name)


def validated(described: Mapping[str, Any], *, source: str) -> Experiment:
    """Check a description.

    Args:
        described: plain values, as in YAML or JSON.
        source: where they stood, for the error's sentence.

    Raises:
        InvalidExperiment: all keys and values that do not fit, by name.
    """
    try:
        return Experiment.model_validate(described)
    except ValidationError as err:
        faults = [(_place(fault["loc"], described), fault) for fault in err.errors()]
        told = "; ".join(f"{place}: {_sentence(place, fault['type'], fault['msg'])}" for place, fault in faults)
        raise InvalidExperiment(f"{source}: {told}.", {"field": faults[0][0]}) from err


def _path(name: str) -> Path:
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    if name not in names():
        near = get_close_matches(name, names(), n=3, cutoff=0.4) or names()[:3]
        raise InvalidExperiment(
            f"There is no experiment {name!r}; did you mean {' or '.join(near)}? "
            "`flawgate experiments` lists all; a path to a YAML file of your own works as well.",
            {"field": "experiment"},
        )
    return folder() / f"{name}.yaml"


def _merged(path: Path, *, depth: int) -> dict[str, Any]:
    if depth > _MAX_DEPTH:
        raise InvalidExperiment(f"{path.name} extends more than {_MAX_DEPTH} others; does one of them extend itself?")
    own = mapping(path, "an experiment")
    base = own.pop(_EXTENDS, None)
    if base is None:
        return own
    near = path.parent / f"{base}.yaml"
    below = _merged(near if near.exists() else _path(str(base)), depth=depth + 1)
    if own.get("task", below.get("task")) != below.get("task"):
        below.pop("stages", None)
    return _overlaid(below, own)


def mapping(path: Path, what: str, *, first: str = "title") -> dict[str, Any]:
    """Read a description in YAML.

    Args:
        path: of the file.
        what: it describes, with its article, for the error's sentence.
        first: a key that it may begin with, for the same.

    Raises:
        InvalidExperiment: it cannot be read, is no YAML, or holds no mapping.
    """
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as err:
        raise InvalidExperiment(f"{path} cannot be read; give the path of {what} in YAML.") from err
    except yaml.YAMLError as err:
        raise InvalidExperiment(f"{path} is no YAML: {' '.join(str(err).split())}.") from err
    if not isinstance(read, dict):
        raise InvalidExperiment(f"{path} holds no mapping of keys to values; begin with `{first}: ...`.")
    return read


def _overlaid(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the keys of `own` on top, mapping by mapping; lists are replaced."""
    if any(key in base and key in own and base[key] != own[key] for key in _VARIANTS):
        return dict(own)
    merged = dict(base)
    for key, value in own.items():
        below = merged.get(key)
        merged[key] = _overlaid(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _apply(described: dict[str, Any], setting: str) -> None:
    key, equals, text = setting.partition("=")
    if not equals or not key:
        raise InvalidExperiment(f"--set wants key=value, e.g. seed=1, but got {setting!r}.", {"field": "set"})
    *outer, last = key.split(".")
    place = described
    for part in outer:
        place = place.setdefault(part, {})
        if not isinstance(place, dict):
            raise InvalidExperiment(f"--set {setting}: {part!r} holds a value and no further keys.", {"field": key})
    try:
        place[last] = yaml.safe_load(text)
    except yaml.YAMLError as err:
        raise InvalidExperiment(f"--set {setting}: the value is no YAML.", {"field": key}) from err


def _place(location: Sequence[int | str], described: Mapping[str, Any]) -> str:
    """The dotted key, without the kind of data set that pydantic puts into the way."""
    data = described.get("data")
    kind = data.get("kind") if isinstance(data, dict) else None
    return ".".join(str(part) for part in location if part != kind) or "experiment"


def _sentence(place: str, kind: str, message: str) -> str:
    if place == "name":
        return "begin with a small letter and use small letters, digits and underscores, 63 characters at most"
    if kind != "extra_forbidden":
        return message.removeprefix("Value error, ")
    key = place.rpartition(".")[2]
    near = get_close_matches(key, [name for name in _fields() if name != key], n=1)  # it may belong elsewhere
    return "unknown key" + (f" (did you mean {near[0]}?)" if near else "")


@cache
def _fields() -> tuple[str, ...]:
    """Every key that an experiment may hold at any depth."""
    return tuple(sorted({name for cls in _parts(Part.__subclasses__()) for name in cls.model_fields}))


def _parts(classes: Iterable[type[BaseModel]]) -> Iterable[type[BaseModel]]:
    for cls in classes:
        yield cls
        yield from _parts(cls.__subclasses__())


def as_yaml(experiment: Experiment) -> str:
    """The whole description, defaults included: what a run keeps, and what an own file may begin from."""
    plain = experiment.model_dump(mode="json", exclude={"name"})
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120)
