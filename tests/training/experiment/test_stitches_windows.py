import pytest

from flawgate_training.architectures import registry
from flawgate_training.experiment import loading

SHIPPED = "stitch_unet_mobilenet_v2_windows"
HEADLINE = "stitch_unet_resnet18_windows"

DECODERS = ("deeplabv3plus", "manet", "unet")
RANKED = [f"stitch_{decoder}_b{number}_windows" for decoder in DECODERS for number in range(3)]


@pytest.mark.parametrize("name", RANKED)
def test_ranked_networks_differ_in_nothing_else(name: str) -> None:
    """Each of the nine is the paper's network of its name, and learns exactly as the shipped one does."""
    ranked, shipped = loading.load(name), loading.load(SHIPPED)
    short = {"batch_norm_momentum": 0.1}  # their statistics must follow a training of a few hundred steps
    assert ranked.network.options == loading.load(name.removesuffix("_windows")).network.options | short
    assert ranked.network.architecture == loading.load(name.removesuffix("_windows")).network.architecture
    own = {"name": ranked.name, "title": ranked.title, "network": ranked.network}
    assert shipped.model_copy(update=own) == ranked


@pytest.mark.parametrize("name", [SHIPPED, HEADLINE, *RANKED])
def test_windows_and_frames_fit_the_network(name: str) -> None:
    """The network takes both the windows that it learns from and the whole frames that it judges, as they are."""
    experiment = loading.load(name)
    multiple = registry.check(experiment).multiple
    window = experiment.stages["segmentation"].augmentation.crop
    assert window is not None
    assert [side % multiple for side in (window, experiment.input.height, experiment.input.width)] == [0, 0, 0]


@pytest.mark.parametrize("name", [SHIPPED, HEADLINE, *RANKED])
def test_stitches_in_windows_are_no_figure_of_the_paper(name: str) -> None:
    """What learned generated frames at another size counts as ours, and says in its title that they are synthetic."""
    experiment = loading.load(name)
    assert (experiment.paper, experiment.title.endswith("(synthetic)")) == (None, True)
