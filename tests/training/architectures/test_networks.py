import pytest
import torch
from torch import nn

from flawgate_training.architectures.architecture import Wanted
from flawgate_training.architectures.initialisation import PRIOR_LOGIT
from flawgate_training.architectures.networks import Normalise
from flawgate_training.architectures.registry import ARCHITECTURES
from flawgate_training.architectures.segmentation_models import PooledBatchNorm2d
from flawgate_training.experiment.schema import Task

EVERY_USE = [(name, task) for name, architecture in ARCHITECTURES.items() for task in architecture.tasks]
SLIM = {
    "unet3plus": {"filters": (4, 4, 8, 8, 8)},
    "custom_unet": {"filters": (4, 4, 8, 8, 8)},
    "commutator_unet": {"filters": (4, 4, 8, 8, 8)},
    "commutator_deeplabv3plus": {"encoder": "mobilenet_v2"},
    "deeplabv3plus": {"encoder": "mobilenet_v2"},
    "manet": {"encoder": "mobilenet_v2"},
    "unet": {"encoder": "mobilenet_v2"},
}


def small(name: str, task: Task, *, channels: int = 1, outputs: int = 1) -> nn.Module:
    """A network for the smallest frames that its architecture takes, somewhat widened."""
    architecture = ARCHITECTURES[name]
    height, width = size(name)
    torch.manual_seed(0)
    wanted = Wanted(task, channels, height, width, channels if task == "anomaly" else outputs)
    return architecture.build(wanted, architecture.options.model_validate(SLIM.get(name, {})))


def size(name: str) -> tuple[int, int]:
    """Height and width: not the same, so that a mix-up shows."""
    architecture = ARCHITECTURES[name]
    return architecture.smallest, architecture.smallest + max(architecture.multiple, 8)


def frames(name: str, *, batch: int = 1, channels: int = 1) -> torch.Tensor:
    """Noise, (batch, channels, height, width), uint8."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (batch, channels, *size(name)), dtype=torch.uint8, generator=generator)


def loss_of(answer: torch.Tensor | tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Anything that depends on every output."""
    answers = (answer,) if isinstance(answer, torch.Tensor) else answer
    return torch.stack([each.square().mean() for each in answers]).sum()


@pytest.mark.parametrize("kind", ["symmetric", "imagenet"])
@pytest.mark.parametrize("channels", [1, 3])
def test_normalisation(kind: str, channels: int) -> None:
    """Frames are normalised as the encoder's training did it: by mean and deviation of frames within 0–1."""
    black_and_white = torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1).expand(2, channels, 2, 3)
    normalise = Normalise.symmetric() if kind == "symmetric" else Normalise.imagenet(channels)
    means = {("imagenet", 3): (0.485, 0.456, 0.406), ("imagenet", 1): (0.449,)}.get((kind, channels), (0.5,))
    deviations = {("imagenet", 3): (0.229, 0.224, 0.225), ("imagenet", 1): (0.226,)}.get((kind, channels), (0.5,))
    mean, deviation = (torch.tensor(each)[:, None, None] for each in (means, deviations))
    expected = (black_and_white / 255 - mean) / deviation
    torch.testing.assert_close(normalise(black_and_white), expected)
    assert normalise.state_dict() == {}


def test_pooled_normalisation_of_one_frame() -> None:
    """One pooled frame is normalised by the running statistics, which stay; two are normalised as torch does it."""
    torch.manual_seed(0)
    ours, torchs = PooledBatchNorm2d(4), nn.BatchNorm2d(4)
    for norm in (ours, torchs):
        norm.running_mean = torch.tensor([1.0, 2.0, 3.0, 4.0])
    pair = torch.randn(2, 4, 1, 1)
    expected = (pair[:1] - torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1, 1)) / (1 + ours.eps) ** 0.5
    torch.testing.assert_close(ours(pair[:1]), expected)
    assert torch.equal(ours(pair), torchs(pair))
    assert ours.running_mean is not None
    assert torchs.running_mean is not None
    assert torch.equal(ours.running_mean, torchs.running_mean)


@pytest.mark.parametrize(("name", "task"), EVERY_USE)
@pytest.mark.parametrize("channels", [1, 3])
def test_learns_from_a_single_frame(name: str, task: Task, channels: int) -> None:
    """A batch of one frame, grey or RGB, gives a finite gradient to every parameter that is ever used."""
    network = small(name, task, channels=channels, outputs=1 if task == "cascade" else 3).train()
    torch.autograd.backward(loss_of(network(frames(name, channels=channels))))
    without = [key for key, value in network.named_parameters() if value.grad is None]
    assert all(".encoder._conv_head." in key or ".encoder._bn1." in key for key in without)
    assert all(bool(value.grad.isfinite().all()) for value in network.parameters() if value.grad is not None)


@pytest.mark.parametrize(("name", "task"), EVERY_USE)
def test_frames_do_not_influence_each_other(name: str, task: Task) -> None:
    """In evaluation, a frame's answer is the same alone and in a batch, to rounding, and float32."""
    network = small(name, task).eval()
    pair = frames(name, batch=2)
    with torch.no_grad():
        together, alone = network(pair), network(pair[1:])
    if task != "cascade":
        together, alone = (together,), (alone,)
    for both, single in zip(together, alone, strict=True):
        assert both.dtype == torch.float32
        torch.testing.assert_close(both[1:], single, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["custom_unet", "convolutional_autoencoder", "unet3plus"])
def test_reconstructions_are_frames(name: str) -> None:
    """A drawn frame has the shape of its frame and lies within 0–1; untrained, it is about grey."""
    network = small(name, "anomaly", channels=3).eval()
    shown = frames(name, channels=3)
    with torch.no_grad():
        drawn = network(shown)
    assert drawn.shape == shown.shape
    assert bool(((drawn >= 0) & (drawn <= 1)).all())
    assert float(drawn.mean()) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_shortcut_draws_what_it_sees(channels: int) -> None:
    """With a shortcut, an untrained reconstruction is its frame to a level or two, black and white included."""
    architecture = ARCHITECTURES["custom_unet"]
    torch.manual_seed(0)
    options = architecture.options.model_validate({"filters": (4, 4, 8, 8, 8), "shortcut": True})
    network = architecture.build(Wanted("anomaly", channels, 32, 48, channels), options).eval()
    levels = torch.arange(256, dtype=torch.uint8).repeat(6 * channels).reshape(1, channels, 32, 48)
    with torch.no_grad():
        drawn = network(levels)
    assert float((255 * drawn - levels).abs().max()) < 6


@pytest.mark.parametrize("name", ["custom_unet", "convolutional_autoencoder", "unet3plus"])
def test_defect_maps_start_at_the_prior(name: str) -> None:
    """An untrained defect map of our own networks calls next to nothing a defect; maps of classes start undecided."""
    with torch.no_grad():
        of_defects = small(name, "segmentation").eval()(frames(name))
        of_classes = small(name, "segmentation", outputs=4).eval()(frames(name))
    assert float(of_defects.mean()) == pytest.approx(PRIOR_LOGIT, abs=0.5)
    assert float(of_classes.mean()) == pytest.approx(0.0, abs=0.5)
