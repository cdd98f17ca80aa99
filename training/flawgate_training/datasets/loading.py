"""From what an experiment says of its data to the data set itself."""

from pathlib import Path

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets import (
    dagm,
    hides,
    image_folder,
    image_mask_folder,
    kolektor_sdd,
    magnetic_tile,
    stitches,
    texture,
)
from flawgate_training.datasets.items import Dataset
from flawgate_training.experiment.data import (
    DagmData,
    Data,
    FileData,
    HideData,
    ImageFolderData,
    ImageMaskFolderData,
    KolektorData,
    MagneticTileData,
    StitchData,
    TextureData,
)


def load(data: Data, folder: Path | None) -> Dataset:
    """Index a data set: every file is read once, no picture is kept.

    Args:
        data: which, and how it is seen.
        folder: of the data set, where it is one of files; passed over otherwise.

    Raises:
        InvalidDataset: no folder is given, it is missing or does not hold such a data set, files are corrupt or do not
            fit together, or nothing is marked in any mask.
        InvalidExperiment: a setting of the data cannot be carried out.
    """
    match data:
        case TextureData():
            return texture.load(data)
        case StitchData():
            return stitches.load(data)
        case HideData():
            return hides.load(data)
    dataset = _load(data, _present(data, folder))
    if dataset.masked and not any(item.label for item in dataset.items):
        raise InvalidDataset(f"No mask in {folder} marks anything; check that the masks are those of the pictures.")
    return dataset


def _present(data: FileData, folder: Path | None) -> Path:
    if folder is None:
        raise InvalidDataset(f"The experiment learns from files ({data.kind}); give their folder with --data.")
    if not folder.is_dir():
        raise InvalidDataset(f"There is no folder {folder}; give the one that holds the pictures.")
    return folder


def _load(data: FileData, folder: Path) -> Dataset:
    match data:
        case KolektorData():
            return kolektor_sdd.load(data, folder)
        case DagmData():
            return dagm.load(data, folder)
        case MagneticTileData():
            return magnetic_tile.load(data, folder)
        case ImageFolderData():
            return image_folder.load(data, folder)
        case ImageMaskFolderData():
            return image_mask_folder.load(data, folder)
