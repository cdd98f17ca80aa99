"""The data sets that an experiment may name, and how each is split."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from flawgate_training.experiment.part import Part

Dilation = Annotated[
    int, Field(ge=1, le=101, description="Side of the square by which defects grow, in pixels of the frame; 1: none.")
]


class Split(Part):
    """Which frames are learned from, which choose, which judge. Frames of one group (a part) are never parted."""

    shipped: bool = Field(
        default=False, description="Use the data set's own division into training and test, where it ships one."
    )
    folds: int | None = Field(default=None, ge=2, le=50, description="Number of folds of a cross-validation.")
    fold: int | None = Field(default=None, ge=0, description="Which of them is the test; none: train on every frame.")
    test: float = Field(default=0.2, ge=0, lt=1, description="Share of the groups to judge upon, without folds.")
    validation: float = Field(
        default=0.15,
        ge=0,
        lt=1,
        description="Share of the groups outside the test that choose epochs and thresholds; 0: nothing is chosen.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the division.")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.fold is not None and (self.folds is None or self.fold >= self.folds):
            raise ValueError(f"there is no fold {self.fold} of {self.folds or 0}; set folds, and fold below it")
        if self.shipped and self.folds is not None:
            raise ValueError("the shipped split has no folds; leave one of the two out")
        return self


class _Files(Part):
    split: Split = Split()
    skip_corrupt: bool = Field(
        default=False,
        description="Leave pictures out that cannot be decoded, and say which; otherwise they are errors.",
    )


class KolektorData(_Files):
    """KolektorSDD: motor commutators, binary masks; a group is a commutator."""

    kind: Literal["kolektor_sdd"] = "kolektor_sdd"
    dilation: Dilation = 9


class DagmData(_Files):
    """DAGM 2007: textures, weak elliptic masks; a group is a picture."""

    kind: Literal["dagm"] = "dagm"
    textures: tuple[Annotated[int, Field(ge=1, le=10)], ...] = Field(
        default=(1,), min_length=1, description="Which of DAGM's classes 1 to 10."
    )
    dilation: Dilation = 1


class MagneticTileData(_Files):
    """Folders like those of the Magnetic Tile set: MT_<class>/Imgs, PNG masks beside JPEGs of the same stem."""

    kind: Literal["magnetic_tile"] = "magnetic_tile"
    binary: bool = Field(default=True, description="All kinds of defect are one class.")
    dilation: Dilation = 1


class ImageFolderData(_Files):
    """One folder per class; the folder's name is the class's."""

    kind: Literal["image_folder"] = "image_folder"
    good: str | None = Field(
        default=None,
        description="Folder of the good parts; none: the one called good, ok, no_defect or normal, if any.",
    )
    binary: bool = Field(default=False, description="All folders but the good one are one class: defective.")


class ImageMaskFolderData(_Files):
    """`images/` and `masks/` with the same stems, or masks beside the pictures as <stem>_mask.png, _label, _GT."""

    kind: Literal["image_mask_folder"] = "image_mask_folder"
    classes: tuple[str, ...] | None = Field(
        default=None,
        description="Names of the mask's values 1, 2, ...; none: any value above 0 is the one class `defect`.",
    )
    group_pattern: str | None = Field(
        default=None,
        description="Regular expression whose first group is the part's name within a picture's path; none: the "
        "picture's folder where there are several, else the picture itself.",
    )
    dilation: Dilation = 1


class TextureData(Part):
    """Generated textures (synthetic); training, validation and test have seeds of their own."""

    kind: Literal["texture"] = "texture"
    textures: tuple[str, ...] | None = Field(
        default=None, description="Names of textures; none: all eight to learn from."
    )
    train: int = Field(default=2400, ge=2, description="Frames to learn from, half of them defective.")
    validation: int = Field(default=0, ge=0, description="Frames that choose epochs and thresholds.")
    test: int = Field(default=600, ge=2, description="Frames to judge upon, half of them defective.")
    dilation: Dilation = 1


class StitchData(Part):
    """Generated sewing stitches (synthetic) in the six classes of paper a, with index masks."""

    kind: Literal["stitches"] = "stitches"
    train: int = Field(default=720, ge=6, description="Frames to learn from. Paper a: 720.")
    validation: int = Field(default=90, ge=0, description="Frames that choose epochs. Paper a: 90.")
    test: int = Field(default=90, ge=6, description="Frames to judge upon. Paper a: 90.")


class HideData(Part):
    """Generated sheets of leather (synthetic), good or with one of six kinds of defect."""

    kind: Literal["hides"] = "hides"
    train: int = Field(default=1200, ge=2, description="Frames to learn from, half of them defective.")
    validation: int = Field(default=240, ge=0, description="Frames that choose epochs and thresholds, likewise.")
    test: int = Field(default=400, ge=2, description="Frames to judge upon, likewise.")
    dilation: Dilation = 1


FileData = KolektorData | DagmData | MagneticTileData | ImageFolderData | ImageMaskFolderData
GeneratedData = TextureData | StitchData | HideData
Data = Annotated[FileData | GeneratedData, Field(discriminator="kind")]
