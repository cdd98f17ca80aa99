"""`configs/tensorrt.pbtxt` of a recipe's models: in force where the plans are, set aside where not.

Triton started with `--model-config-name=tensorrt` takes `config.pbtxt`, and so the ONNX file, for a model that has no
such file. So a plan that is missing or was refused costs speed, never the service.
"""

from pathlib import Path

from flawgate_contracts.recipe import Recipe
from flawgate_contracts.repository import layout
from flawgate_contracts.repository.config_text import versions_in, with_versions
from flawgate_contracts.repository.files import telling_of_the_disk, write_whole

NAME = "tensorrt.pbtxt"
SET_ASIDE = f"{NAME}.refused"


def path_of(root: Path, model: str) -> Path:
    """Where a model's configuration for plans stands, in force or set aside.

    Args:
        root: of the repository.
        model: its name.
    """
    folder = root / model / layout.CONFIGS
    aside = folder / SET_ASIDE
    return aside if aside.is_file() and not (folder / NAME).is_file() else folder / NAME


def in_force(root: Path, model: str) -> bool:
    """Whether Triton would take the plans of a model."""
    return (root / model / layout.CONFIGS / NAME).is_file()


def put_in_force(root: Path, recipe: Recipe) -> None:
    """Let Triton take the plans of a recipe's models, of the versions that `config.pbtxt` loads."""
    for model in recipe.models:
        folder = root / model.name / layout.CONFIGS
        loaded = versions_in((root / model.name / layout.CONFIG).read_text(encoding="utf-8"))
        # A promotion meanwhile changed the versions of every configuration but of the one set aside.
        text = with_versions(path_of(root, model.name).read_text(encoding="utf-8"), loaded)
        write_whole(folder / NAME, text.encode())
        with telling_of_the_disk(folder):
            (folder / SET_ASIDE).unlink(missing_ok=True)


def set_aside(root: Path, recipe: Recipe) -> None:
    """Let Triton take the ONNX files of a recipe's models."""
    for model in recipe.models:
        folder = root / model.name / layout.CONFIGS
        if in_force(root, model.name):
            with telling_of_the_disk(folder):
                (folder / NAME).replace(folder / SET_ASIDE)
