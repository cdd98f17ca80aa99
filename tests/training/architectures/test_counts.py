import pytest
from pydantic import JsonValue

from flawgate_training.architectures.architecture import Wanted
from flawgate_training.architectures.counting import Costs, count
from flawgate_training.architectures.registry import ARCHITECTURES
from flawgate_training.experiment.schema import Task

Options = dict[str, JsonValue]


def costs(name: str, task: Task, channels: int, outputs: int, options: Options | None = None) -> Costs:
    """At the input size of the architecture's paper."""
    architecture = ARCHITECTURES[name]
    wanted = Wanted(task, channels, architecture.height, architecture.width, outputs)
    return count(architecture, architecture.options.model_validate(options or {}), wanted)


WIDE: Options = {"filters": [32, 64, 128, 256, 512]}
WIDEST: Options = {"filters": [64, 128, 256, 512, 1024]}
NARROW: Options = {"filters": [16, 32, 64, 128, 256]}


@pytest.mark.parametrize(
    ("name", "task", "channels", "outputs", "options", "parameters"),
    [
        ("custom_unet", "segmentation", 3, 1, {}, 2_041_249),
        ("custom_unet", "segmentation", 3, 1, WIDE, 8_153_921),
        ("custom_unet", "segmentation", 3, 1, WIDEST, 32_593_537),
        ("convolutional_autoencoder", "anomaly", 3, 3, {}, 567_139),
        ("unet3plus", "segmentation", 3, 1, {}, 26_971_777),
        ("unet3plus", "segmentation", 1, 1, {}, 26_970_625),
        ("unet3plus", "segmentation", 3, 1, NARROW, 1_690_273),
        ("baseline_cnn", "classification", 1, 2, {}, 895_874),
        ("baseline_cnn", "classification", 1, 5, {}, 896_261),
        ("improved_cnn", "classification", 1, 2, {}, 421_474),
        ("improved_cnn", "classification", 1, 5, {}, 421_861),
        ("efficientnet_b0", "classification", 1, 5, {}, 4_013_377),
        ("resnet18", "classification", 1, 2, {}, 11_171_266),
        ("commutator_two_stage", "cascade", 1, 1, {}, 1_124_543),
        ("commutator_two_stage", "cascade", 1, 1, {"blocks": [1, 3, 3, 4]}, 1_504_929 + 6_542),
        ("leather_cnn", "classification", 1, 1, {}, 1_211_937),
        # The model sheet has no figures for these, whose layers are our reading.
        ("leather_cnn", "classification", 1, 1, {"pooling": "global"}, 36_385),
        ("commutator_unet", "cascade", 1, 1, {}, 28_109_167),
        ("commutator_deeplabv3plus", "cascade", 1, 1, {}, 26_727_039),
        ("commutator_residual", "cascade", 1, 1, {}, 376_244),
    ],
)
def test_parameters(name: str, task: Task, channels: int, outputs: int, options: Options, parameters: int) -> None:
    """Every network has exactly the parameters that its layers in the model sheet lead to, and uses all of them."""
    counted = costs(name, task, channels, outputs, options).count
    assert (counted.parameters, counted.parameters_used) == (parameters, parameters)


@pytest.mark.parametrize(
    ("name", "task", "channels", "outputs", "gmac"),
    [
        ("custom_unet", "segmentation", 3, 1, "1.64"),
        ("convolutional_autoencoder", "anomaly", 3, 3, "0.59"),
        ("unet3plus", "segmentation", 3, 1, "98.8"),
        ("commutator_two_stage", "cascade", 1, 1, "2.43"),
    ],
)
def test_multiplications(name: str, task: Task, channels: int, outputs: int, gmac: str) -> None:
    """Multiplications for one frame of the paper's size agree with those of the model sheet to its last digit."""
    digits = len(gmac.partition(".")[2])
    assert f"{costs(name, task, channels, outputs).count.gmac:.{digits}f}" == gmac


def test_size_is_that_of_the_weights() -> None:
    """A megabyte is 1e6 bytes; weights and running statistics count four bytes a number."""
    assert costs("baseline_cnn", "classification", 1, 2).count.size_mb == 895_874 * 4 / 1e6


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_answers_at_the_papers_size(name: str) -> None:
    """At its paper's input, every network answers with one map or logit per output, and a cascade with both."""
    architecture = ARCHITECTURES[name]
    wanted = architecture.as_in_paper()
    answers = costs(name, wanted.task, wanted.channels, wanted.outputs).answers
    maps = {
        "segmentation": ((1, wanted.outputs, wanted.height, wanted.width),),
        "anomaly": ((1, wanted.channels, wanted.height, wanted.width),),
        "classification": ((1, wanted.outputs),),
        "cascade": ((1, 1, wanted.height // 8, wanted.width // 8), (1, 1)),
    }
    assert answers == maps[wanted.task]
