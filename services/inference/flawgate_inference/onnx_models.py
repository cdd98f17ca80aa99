"""The models of a repository folder, opened with ONNX Runtime."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import onnxruntime
from google.protobuf import text_format

from flawgate.repository.v1.model_config_pb2 import ModelConfig, ModelEnsembling
from flawgate_contracts.repository.config_text import with_colons
from flawgate_contracts.repository.layout import CONFIG, MODEL
from flawgate_inference.model_server import ServedModel

_VERSION = re.compile(r"^[1-9][0-9]*$")

Names = frozenset[str] | None
"""Of models and ensembles, the only ones that are looked at; None for all."""

Look = Mapping[Path, tuple[int, int, int]]
"""Of each configuration: when it was written, in nanoseconds, its size in bytes, and its inode."""


@dataclass
class Models:
    """All models of a repository as they stood at one moment.

    Attributes:
        configs: of each model that has one that can be read.
        versions: of each of these, those that it names and that could be opened, ascending.
        sessions: by name and version; ensembles have none.
        faults: why a model, or one of its versions, cannot be used.
    """

    configs: dict[str, ModelConfig] = field(default_factory=dict)
    versions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sessions: dict[tuple[str, str], onnxruntime.InferenceSession] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def has(self, name: str, version: str) -> bool:
        """Whether that version of a model, or ensemble, can be run."""
        return version in self.versions.get(name, ()) and not self._missing(name)

    def fault(self, name: str) -> str:
        """Why a model cannot be used as its configuration says; empty where it can."""
        if name in self.faults:
            return self.faults[name]
        if name not in self.configs:
            return "it has no configuration"
        missing = self._missing(name)
        return f"it needs {', '.join(missing)}, which is not loaded" if missing else ""

    def served(self) -> list[ServedModel]:
        """As `ModelServer.models` gives them: of each model its newest version."""
        return [self._served(name) for name in sorted(self.configs.keys() | self.faults.keys())]

    def steps(self, name: str) -> Sequence[ModelEnsembling.Step]:
        """Of an ensemble; none of a model."""
        return list(self.configs[name].ensemble_scheduling.step)

    def called(self, step: ModelEnsembling.Step) -> tuple[str, str]:
        """Name and version of the model that a step of an ensemble calls; -1 means its newest version."""
        there = self.versions.get(step.model_name, ())
        newest = there[-1] if there else ""
        return step.model_name, newest if step.model_version == -1 else str(step.model_version)

    def _missing(self, name: str) -> list[str]:
        called = [(step.model_name, self.called(step)) for step in self.steps(name)]
        return [name for name, key in called if key not in self.sessions]

    def _served(self, name: str) -> ServedModel:
        versions = self.versions.get(name, ())
        if not versions or self._missing(name):
            return ServedModel(name, "", ready=False, detail=self.fault(name))
        parameters = {key: value.string_value for key, value in self.configs[name].parameters.items()}
        return ServedModel(name, versions[-1], ready=True, parameters=parameters)


def look_of(repository: Path, names: Names) -> Look:
    """What tells whether a configuration is another one than before. A folder that is not there has none."""
    look = {}
    for path in _configs(repository, names):
        with suppress(FileNotFoundError):  # gone since it was listed
            status = path.stat()
            look[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return look


def opened(repository: Path, names: Names, threads: int, before: Models) -> Models:
    """Open models of a repository.

    Args:
        repository: its folder.
        names: of those that are wanted.
        threads: of one inference; 0 for all cores.
        before: models that are open already; the same versions are not opened again.
    """
    models = Models()
    for folder in sorted(path.parent for path in _configs(repository, names)):
        try:
            _open(folder, threads, before, models)
        except Exception as err:  # noqa: BLE001  # ONNX Runtime raises classes of its own, none of them public
            models.faults[folder.name] = str(err)
    return models


def _configs(repository: Path, names: Names) -> list[Path]:
    return [path for path in repository.glob(f"*/{CONFIG}") if names is None or path.parent.name in names]


def _open(folder: Path, threads: int, before: Models, models: Models) -> None:
    """Add a model. Of several versions those stay that can be opened, and the fault of the others is told."""
    config = _config(folder / CONFIG)
    name, wanted = folder.name, _wanted(folder, config)
    models.configs[name], models.versions[name] = config, ()
    for version in wanted:
        if config.platform != "ensemble":
            models.sessions[name, version] = before.sessions.get((name, version)) or _session(
                folder / version / MODEL, threads
            )
        models.versions[name] = (*models.versions[name], version)


def _config(path: Path) -> ModelConfig:
    """What our subset of Triton's message holds of the file; the rest concerns Triton alone."""
    return text_format.Parse(with_colons(path.read_text("utf-8")), ModelConfig(), allow_unknown_field=True)


def _wanted(folder: Path, config: ModelConfig) -> list[str]:
    """The versions that a configuration names; the newest where it names none."""
    there = sorted(_versions(folder), key=int)
    if config.version_policy.HasField("specific"):
        named = sorted(config.version_policy.specific.versions)
        missing = [version for version in named if str(version) not in there]
        if missing:
            raise FileNotFoundError(f"it has no version folder {missing[0]}")
        return [str(version) for version in named]
    if not there:
        raise FileNotFoundError("it has no version folder")
    return there[-1:]


def _versions(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.iterdir() if path.is_dir() and _VERSION.match(path.name))


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
