from collections import Counter
from typing import Any

import pytest
import torch
from support.tiny_training import TILING, build, experiment, parted, same_weights, samples
from torch import nn

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.architectures.networks import Cascade
from flawgate_training.datasets.samples import ChosenSamples, Samples
from flawgate_training.experiment.schema import STAGES, Experiment, Task
from flawgate_training.experiment.training import NO_AUGMENTATION
from flawgate_training.learning.cascade import FeatureBank, HeldOut
from flawgate_training.learning.curriculum import part_of, stage_of
from flawgate_training.learning.feed import Example, frame_tensor
from flawgate_training.learning.order import Draw, Order
from flawgate_training.learning.stage import LearningStage

CPU = torch.device("cpu")


def stage(
    wanted: Experiment, frames: Samples, *, classes: int = 2, title: str | None = None, network: nn.Module | None = None
) -> LearningStage:
    """A stage of the experiment, with fresh weights, always the same ones, unless a network is given."""
    names = tuple(f"class{number}" for number in range(classes))
    torch.manual_seed(0)
    return stage_of(wanted, title or next(iter(wanted.stages)), network or build(wanted, names), names, frames, CPU)


def first_batch(of: LearningStage) -> Example:
    """Of the first epoch."""
    return of.lesson.examples[next(iter(of.lesson.order))]


@pytest.mark.parametrize(
    ("task", "classes", "changes"),
    [
        ("segmentation", 2, {"loss": {"name": "dice_ce"}}),
        ("segmentation", 3, {"loss": {"name": "dice_ce"}, "channels": 3}),
        ("segmentation", 2, {"loss": {"name": "distance_weighted_bce"}}),
        ("segmentation", 2, {"tiling": TILING.model_dump()}),
        ("classification", 2, {}),
        ("classification", 3, {"loss": {"name": "cross_entropy", "balanced": True}}),
        ("anomaly", 2, {"loss": {"name": "mse_ssim"}}),
        ("anomaly", 2, {"corruption": {}, "channels": 3}),
        ("cascade", 2, {}),
        ("cascade", 2, {"loss": {"name": "distance_weighted_bce"}}),
    ],
)
def test_every_kind_learns(task: Task, classes: int, changes: dict[str, Any]) -> None:
    """Thirty steps on one batch lower its loss by a tenth and more: targets, loss and network fit together."""
    if task == "cascade":
        changes = {"loss": {"name": "bce"}} | changes
    wanted = experiment(task, batch_size=6, **changes) if task != "cascade" else cascade(**changes)
    taught = stage(wanted, samples([0, 1, classes - 1] * 2, channels=changes.get("channels", 1)), classes=classes)
    batch = first_batch(taught)
    optimiser = torch.optim.Adam(taught.trained.parameters(), 0.02)
    taught.network.eval()  # no dropout: the same loss is asked for twice
    before = float(taught.loss(batch).detach())
    for _ in range(30):
        optimiser.zero_grad()
        torch.autograd.backward(taught.loss(batch))
        optimiser.step()
    assert float(taught.loss(batch).detach()) < 0.9 * before


def cascade(**segmentation: Any) -> Experiment:
    """A cascade whose first stage has these settings."""
    wanted = experiment("cascade", batch_size=6)
    changed = wanted.stages["segmentation"].model_validate(wanted.stages["segmentation"].model_dump() | segmentation)
    return wanted.model_copy(update={"stages": wanted.stages | {"segmentation": changed}})


def test_reconstruction_learns_from_good_frames_alone() -> None:
    """Whatever the epoch, no defective frame is shown."""
    order = stage(experiment("anomaly"), samples([0, 1, 0, 1, 0])).lesson.order
    shown = set()
    for epoch in range(4):
        order.set_epoch(epoch)
        shown |= {draw.position for batch in order for draw in batch}
    assert shown == {0, 2, 4}


def test_a_corrupted_frame_is_to_be_drawn_as_it_was() -> None:
    """The network is shown the corrupted frame, and its loss is that to the good one, beside it in the batch."""
    taught = stage(experiment("anomaly", corruption={"share": 1}), samples([0, 0]))
    taught.network.eval()
    good, shown = first_batch(taught)
    assert (good.shape, good.dtype) == (shown.shape, shown.dtype)
    assert not torch.equal(good, shown)
    torch.testing.assert_close(taught.loss((good, shown)), taught.lesson.measure(taught.network(shown), good))


def test_no_good_frame() -> None:
    """A reconstruction without good frames is refused."""
    with pytest.raises(InvalidDataset, match="learns from good frames alone, and there is none"):
        stage(experiment("anomaly"), samples([1, 1]))


def test_the_sampler_is_asked_before_anything_is_computed() -> None:
    """A sampler that lacks a kind of frame says so when the stage is made."""
    with pytest.raises(InvalidDataset, match="takes both"):
        stage(experiment(sampler="alternate"), samples([0, 0]))


def test_classes_are_weighed_by_how_rare_they_are() -> None:
    """A class of a third of the frames of another weighs three times as much; one without frames harms nothing."""
    wanted = experiment("classification", loss={"name": "cross_entropy", "balanced": True})
    measure = stage(wanted, samples([0, 0, 0, 1]), classes=3).lesson.measure
    assert measure.keywords["weights"] == pytest.approx((4 / 9, 4 / 3, 4 / 3))  # type: ignore[attr-defined] # a partial


@pytest.mark.parametrize("banked", [True, False])
def test_the_second_stage_leaves_the_segmentation_alone(banked: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Only the classifier changes in stage two; not even the running statistics of the frozen network move."""
    wanted = experiment("cascade", bank={"epochs": 1} if banked else None)
    network, before = build(wanted, ("good", "bad")), build(wanted, ("good", "bad"))
    before.load_state_dict(network.state_dict())
    taught = stage(wanted, samples(), title="classification", network=network)
    optimiser = torch.optim.Adam([weight for weight in network.parameters() if weight.requires_grad], 0.1)
    torch.autograd.backward(taught.loss(first_batch(taught)))
    optimiser.step()
    same = {
        title: same_weights(part_of(network, wanted, title), part_of(before, wanted, title)) for title in wanted.stages
    }
    assert same == {"segmentation": True, "refinement": True, "classification": False}


@pytest.mark.parametrize("banked", [True, False])
def test_the_second_stage_computes_in_float32(*, banked: bool) -> None:
    """Under bfloat16 the classification learns as it does without; the segmentation before it need not."""
    wanted = experiment("cascade", batch_size=6, bank={"epochs": 1} if banked else None)
    taught = stage(wanted, samples([0, 1] * 3), title="classification")
    batch = first_batch(taught)
    plain = taught.loss(batch)
    with torch.autocast("cpu", torch.bfloat16):
        half = taught.loss(batch)
    assert half.dtype == torch.float32
    assert torch.equal(half, plain) is banked


def test_a_refinement_shows_doubtful_frames_more_often() -> None:
    """With `hard_negatives`, the good frame that the segmentation takes for defective comes more often than others."""
    wanted = experiment("cascade")
    refinement = wanted.stages["refinement"].model_copy(update={"sampler": "hard_negatives"})
    wanted = wanted.model_copy(update={"stages": wanted.stages | {"refinement": refinement}})
    frames = samples([1] * 4 + [0] * 12)
    doubted = frames[9].pixels

    class Doubting(nn.Module):
        def forward(self, shown: torch.Tensor) -> torch.Tensor:
            same = (shown == torch.from_numpy(doubted)).flatten(1).all(dim=1)
            return torch.where(same, 4.0, -4.0)[:, None, None, None].expand(-1, 1, 4, 4)

    network = Cascade(Doubting(), nn.Linear(1, 1))
    order = stage(wanted, frames, title="refinement", network=network).lesson.order
    shown: Counter[int] = Counter()
    for epoch in range(6):
        order.set_epoch(epoch)
        shown.update(draw.position for batch in order for draw in batch)
    assert shown[9] >= 12
    assert max(count for position, count in shown.items() if position > 3 and position != 9) <= 3


def test_a_refinement_teaches_the_segmentation_alone() -> None:
    """The refinement goes on with the segmentation, from the same soft targets; the classification stays as it is."""
    wanted = experiment("cascade")
    network, before = build(wanted, ("good", "bad")), build(wanted, ("good", "bad"))
    before.load_state_dict(network.state_dict())
    taught = stage(wanted, samples(), title="refinement", network=network)
    torch.autograd.backward(taught.loss(first_batch(taught)))
    torch.optim.Adam([weight for weight in network.parameters() if weight.requires_grad], 0.1).step()
    parts = [(part_of(network, wanted, title), part_of(before, wanted, title)) for title in STAGES["cascade"]]
    assert [same_weights(*pair) for pair in parts] == [False, False, True]


def test_a_bank_says_what_the_segmentation_says() -> None:
    """A stage with a bank learns from the same features, of the same augmented frames, as one that computes them."""
    wanted = experiment("cascade", bank={"epochs": 2}, sampler="frequency_of_use")
    network = build(wanted, ("good", "bad"))
    banked = stage(wanted, samples(), title="classification", network=network)
    plain = {"classification": wanted.stages["classification"].model_copy(update={"bank": None})}
    online = stage(
        wanted.model_copy(update={"stages": wanted.stages | plain}), samples(), title="classification", network=network
    )
    for epoch in (0, 1):
        banked.lesson.order.set_epoch(epoch)
        online.lesson.order.set_epoch(epoch)
        for kept, fresh in zip(banked.lesson.order, online.lesson.order, strict=True):
            torch.testing.assert_close(
                banked.loss(banked.lesson.examples[kept]), online.loss(online.lesson.examples[fresh])
            )


def test_a_bank_of_parts_says_what_each_parts_segmentation_says() -> None:
    """The frames of all parts take turns, each with the features of the segmentation that did without it."""
    wanted = parted(experiment("cascade", batch_size=4, augmentation=NO_AUGMENTATION.model_dump()))
    frames = samples([0, 1] * 4)
    parts = [ChosenSamples(frames, [0, 1, 2, 3]), ChosenSamples(frames, [4, 5, 6, 7])]
    torch.manual_seed(1)
    networks = [build(wanted, ("good", "bad")) for _ in parts]
    assert all(isinstance(network, Cascade) for network in networks)
    segmentations = [part_of(network, wanted, "refinement").eval() for network in networks]
    held_out = [HeldOut(*pair) for pair in zip(segmentations, parts, strict=True)]
    network = build(wanted, ("good", "bad"))
    bank = stage_of(wanted, "classification", network, ("good", "bad"), frames, CPU, held_out).lesson.examples
    assert isinstance(bank, FeatureBank)
    features, labels = bank.epochs[0]
    assert len(bank.epochs) == 2
    assert sorted(labels.tolist()) == [0] * 4 + [1] * 4
    for number, (segmentation, part) in enumerate(held_out):
        with torch.no_grad():
            own = torch.cat([segmentation(frame_tensor(sample.pixels)[None]) for sample in part])
        kept = features[number::2]
        assert all(any(torch.allclose(row, other, atol=1e-5) for other in own) for row in kept)


def test_a_bank_begins_again() -> None:
    """After the last epoch of the bank comes the first one again."""
    taught = stage(experiment("cascade", bank={"epochs": 2}), samples(), title="classification")
    first, second, third = (taught.lesson.examples[(Draw(epoch, 0, 0),)][0] for epoch in range(3))
    assert torch.equal(first, third)
    assert not torch.equal(first, second)


def test_a_bank_is_bounded() -> None:
    """The bank holds as many epochs, and of each as many frames, as it was asked for."""
    taught = stage(experiment("cascade", bank={"epochs": 2, "frames": 5}), samples(), title="classification")
    bank = taught.lesson.examples
    assert isinstance(bank, FeatureBank)
    assert [tuple(features.shape) for features, _ in bank.epochs] == [(5, 5, 4, 4)] * 2
    assert len(taught.lesson.order) == len(Order(lambda _: range(5), 2))
