import numpy as np
import pytest
import torch
from support.tiny_training import TILING, samples

from flawgate_training.experiment.training import NO_AUGMENTATION, Augmentation, Corruption
from flawgate_training.learning.cascade import coarse_weighted_example
from flawgate_training.learning.feed import Examples, Loader, frame_tensor
from flawgate_training.learning.order import Draw, Order
from flawgate_training.learning.stages import labelled_example, masked_example

AUGMENTED = Augmentation(rotation_deg=10, scale=0.1, crop=16)


def same(one: tuple[torch.Tensor, ...], other: tuple[torch.Tensor, ...]) -> bool:
    """Whether two batches are equal, bit by bit."""
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_frames_as_networks_take_them() -> None:
    """Grey frames get a channel, colour frames theirs first."""
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert frame_tensor(pixels).tolist() == pixels.transpose(2, 0, 1).tolist()
    assert frame_tensor(pixels[..., 0]).tolist() == [pixels[..., 0].tolist()]


def test_a_key_decides_alone() -> None:
    """The same key draws the same example in whatever batch it comes; another epoch or place draws another."""
    examples = Examples(samples(), AUGMENTED, None, masked_example, seed=0)
    key, others = Draw(1, 2, 3), [Draw(2, 2, 3), Draw(1, 3, 3)]
    alone, last = examples[(key,)], examples[(Draw(0, 0, 0), key)]
    assert same(alone, tuple(part[1:] for part in last))
    assert not any(same(alone, examples[(other,)]) for other in others)


@pytest.mark.parametrize("channels", [1, 3])
def test_shapes(channels: int) -> None:
    """A batch is stacked: frames with their channels first, masks beside them."""
    examples = Examples(samples(channels=channels), AUGMENTED, None, masked_example, seed=0)
    frames, masks = examples[(Draw(0, 0, 1), Draw(0, 1, 2))]
    assert (tuple(frames.shape), frames.dtype) == ((2, channels, 16, 16), torch.uint8)
    assert (tuple(masks.shape), masks.dtype) == ((2, 16, 16), torch.uint8)


def test_a_corrupted_frame_stands_behind_the_example() -> None:
    """The example is what it would be without corruption; the frame behind it was augmented alike, and differs."""
    plain = Examples(samples(), AUGMENTED, None, masked_example, seed=0)
    corrupted = Examples(samples(), AUGMENTED, None, masked_example, seed=0, corruption=Corruption(share=1, most=1))
    key = (Draw(0, 0, 1), Draw(0, 1, 2))
    *example, shown = corrupted[key]
    assert same(tuple(example), plain[key])
    frames = example[0]
    assert (shown.shape, shown.dtype) == (frames.shape, frames.dtype)
    assert not torch.equal(shown, frames)
    assert same((shown,), corrupted[key][-1:])


def test_defects_are_shown_on_good_frames() -> None:
    """With transplants, what lies far from the defect of a defective frame is a good one; its label stays."""
    seen = samples([0, 1])
    plain, moved = (
        Examples(seen, NO_AUGMENTATION.model_copy(update={"transplants": share}), None, labelled_example, seed=0)
        for share in (0.0, 1.0)
    )
    (good, defective), labels = plain[(Draw(0, 0, 0), Draw(0, 1, 1))]
    (same_good, shown), same_labels = moved[(Draw(0, 0, 0), Draw(0, 1, 1))]
    assert torch.equal(labels, same_labels)
    assert torch.equal(good, same_good)
    assert not torch.equal(shown, defective)
    assert not torch.equal(shown, good)
    assert float((shown == good).float().mean()) > float((shown == defective).float().mean())


def test_nothing_is_transplanted_without_good_frames() -> None:
    """Where every frame has a defect, each is shown as it is."""
    drawn = NO_AUGMENTATION.model_copy(update={"transplants": 1.0})
    plain, moved = (Examples(samples([1, 1]), way, None, masked_example, seed=0) for way in (NO_AUGMENTATION, drawn))
    assert same(plain[(Draw(0, 0, 1),)], moved[(Draw(0, 0, 1),)])


def test_weights_of_a_coarse_target() -> None:
    """A cascade's targets and the weights of their pixels have an eighth of the size."""
    frame, target, weights = coarse_weighted_example(*(np.zeros((32, 48), np.uint8),) * 2, 0, power=2, largest=3)
    assert [tuple(part.shape) for part in (frame, target, weights)] == [(1, 32, 48), (1, 4, 6), (1, 4, 6)]
    torch.testing.assert_close(weights, torch.ones(1, 4, 6))


def test_a_tile_has_a_label_of_its_own() -> None:
    """A tile is as defective as its pixels, and of a defective frame one is shown that holds some of the defect."""
    seen = samples([0, 1, 2])
    tiles = Examples(seen, NO_AUGMENTATION, TILING, labelled_example, seed=0)
    frames, labels = tiles[tuple(Draw(0, place, position) for place, position in enumerate([0, 1, 2] * 4))]
    assert tuple(frames.shape) == (12, 1, 32, 16)
    assert labels.tolist() == [0, 1, 2] * 4


def test_whole_frames_keep_their_label() -> None:
    """Without tiles and windows, an example has the frame's label."""
    examples = Examples(samples([2, 0, 1]), Augmentation(), None, labelled_example, seed=0)
    assert examples[tuple(Draw(0, place, place) for place in range(3))][1].tolist() == [2, 0, 1]


def test_workers_draw_the_same() -> None:
    """Batches are the same, whether this process prepares them or others do."""
    examples = Examples(samples(), AUGMENTED, None, masked_example, seed=0)
    here, there = (list(Loader(examples, Order(lambda _: range(7), 2), workers=workers)) for workers in (0, 1))
    assert len(here) == 3
    assert all(same(one, other) for one, other in zip(here, there, strict=True))


def test_waiting_is_measured() -> None:
    """A loader in this process makes whoever asks wait; the seconds are added up."""
    loader = Loader(Examples(samples(), AUGMENTED, None, masked_example, seed=0), Order(lambda _: range(7), 2))
    assert loader.waited == 0.0
    list(loader)
    once = loader.waited
    list(loader)
    assert loader.waited > once > 0.0
