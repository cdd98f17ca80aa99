import cv2
import numpy as np
import pytest

from flawgate_contracts.errors import InvalidExperiment
from flawgate_imaging.hides import KINDS, generate
from flawgate_imaging.pipeline import apply, apply_to_mask
from flawgate_imaging.textures import INSPECTED, TEXTURES
from flawgate_training.datasets.loading import load
from flawgate_training.datasets.splits import split
from flawgate_training.experiment import loading
from flawgate_training.experiment.data import GeneratedData, HideData, StitchData, TextureData

TEXTURE = TextureData(train=32, validation=12, test=24)


def test_textures() -> None:
    """Half of the frames are defective; training sees every texture, judging those that the recipe is for."""
    subsets = split(load(TEXTURE, None), TEXTURE)
    assert [len(items) for items in subsets.named.values()] == [32, 12, 24]
    assert [sum(item.defective for item in items) for items in subsets.named.values()] == [16, 6, 12]
    seen = [{item.name.split("/")[0] for item in items} for items in subsets.named.values()]
    assert seen == [set(TEXTURES), set(INSPECTED), set(INSPECTED)]


def test_texture_picture() -> None:
    """The mask marks a defective frame and leaves a good one bare."""
    good, defective = load(TEXTURE, None).items[:2]
    assert (good.name, defective.name) == (f"{TEXTURES[0]}/0", f"{TEXTURES[0]}/1")
    for item in (good, defective):
        picture = item.source.read()
        assert picture.mask is not None
        assert (picture.pixels.shape, bool(picture.mask.any())) == ((512, 512), item.defective)


def test_chosen_textures() -> None:
    """Of chosen textures those are judged that the recipe is for, or all where it is for none of them."""
    for chosen, judged in ((("granite", "knit"), {"knit"}), (("granite",), {"granite"})):
        data = TextureData(textures=chosen, train=4, test=4)
        assert {item.name.split("/")[0] for item in split(load(data, None), data).test} == judged


def test_stitches() -> None:
    """Six classes in turn, none of which means a bad part; the mask holds the class's index."""
    data = StitchData(train=12, validation=6, test=6)
    dataset = load(data, None)
    subsets = split(dataset, data)
    assert [sorted(item.label for item in items) for items in subsets.named.values()] == [
        sorted([1, 2, 3, 4, 5, 6] * 2),
        [1, 2, 3, 4, 5, 6],
        [1, 2, 3, 4, 5, 6],
    ]
    assert not any(item.defective for item in dataset.items)
    item = dataset.items[3]
    picture = item.source.read()
    assert picture.mask is not None
    assert set(picture.mask.ravel().tolist()) == {0, item.label}
    assert dataset.classes[item.label] == item.name.split("/")[0]


def test_hides() -> None:
    """Good and defective in turn, the six kinds of defect in equal numbers, all of them one class."""
    data = HideData(train=24, validation=12, test=12)
    dataset = load(data, None)
    for items in split(dataset, data).named.values():
        kinds = [item.name.split("/")[0] for item in items]
        of_each = dict.fromkeys(KINDS, len(items) // 12) | {"good": len(items) // 2}
        assert {kind: kinds.count(kind) for kind in kinds} == of_each
        assert [item.label for item in items] == [int(item.defective) for item in items]


def test_hide_picture() -> None:
    """The mask marks a defective frame and leaves a good one bare; a name says what is wrong."""
    good, defective = load(HideData(train=4, test=4), None).items[:2]
    assert (good.name, defective.name) == ("good/0", "scar/1")
    for item in (good, defective):
        picture = item.source.read()
        assert picture.mask is not None
        assert (picture.pixels.shape, bool(picture.mask.any())) == ((512, 512, 3), item.defective)


@pytest.mark.parametrize(
    "data",
    [
        TextureData(train=4, validation=4, test=4),
        StitchData(train=6, validation=6, test=6),
        HideData(train=4, validation=4, test=4),
    ],
)
def test_subsets_share_nothing(data: GeneratedData) -> None:
    """Each frame has a name, a group and a checksum of its own."""
    items = load(data, None).items
    for values in ({item.name for item in items}, {item.group for item in items}, {item.sha256 for item in items}):
        assert len(values) == len(items)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (TextureData(textures=("velvet",)), "There is no texture velvet; choose from"),
        (TextureData(train=500_001), r"seeds for 500000 generated frames .*lower data\.train"),
    ],
)
def test_impossible_settings(data: TextureData, sentence: str) -> None:
    """Unknown textures, and more frames than there are seeds, are refused."""
    with pytest.raises(InvalidExperiment, match=sentence):
        load(data, None)


@pytest.mark.parametrize("defect", KINDS)
def test_the_filters_of_the_leather_recipe_keep_the_defects(defect: str) -> None:
    """Blurred, shrunk and drawn as contours, a defective hide still differs from the good one where the defect is."""
    steps = loading.load("leather_hides").steps
    bad, good = (generate(6, defective=defective, defect=defect) for defective in (True, False))
    changed = np.abs(np.subtract(*(apply(hide.pixels, steps).pixels.astype(np.float64) for hide in (bad, good))))
    near = cv2.dilate(apply_to_mask(bad.mask, steps), np.ones((5, 5), np.uint8)) > 0
    assert changed[near].mean() > 10 * changed[~near].mean()
