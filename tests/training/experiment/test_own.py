from flawgate_training.experiment import loading
from flawgate_training.experiment.data import ImageFolderData, ImageMaskFolderData, Split
from flawgate_training.experiment.own import on_own_data


def test_only_the_data_changes() -> None:
    """Own pictures are learned with the same steps, network, stages and judging, under the part's name."""
    base = loading.load("commutator", recipe="my_part")
    own = on_own_data(base, ImageMaskFolderData())
    assert own.name == "my_part"
    same = ("task", "network", "steps", "tiling", "stages", "judging", "machine", "seed")
    assert {key: getattr(own, key) for key in same} == {key: getattr(base, key) for key in same}


def test_frames_are_divided_anew() -> None:
    """The base's folds are not the own data's: a share of the parts chooses, another judges."""
    own = on_own_data(loading.load("commutator"), ImageMaskFolderData())
    assert own.data == ImageMaskFolderData(dilation=9, split=Split(test=0.2, validation=0.15))


def test_settings_that_both_have_are_kept() -> None:
    """A binary experiment stays binary, on any folders."""
    own = on_own_data(loading.load("garment_resnet18_binary"), ImageFolderData())
    assert own.data == ImageFolderData(binary=True)


def test_it_is_no_paper_s_experiment() -> None:
    """A run on own pictures claims no paper."""
    assert on_own_data(loading.load("leather"), ImageFolderData()).paper is None
