"""The stages of networks that learn in one: segmentation, classification, reconstruction."""

import torch
from torch import Tensor

from flawgate_training.datasets.samples import Pixels
from flawgate_training.learning.feed import Example, frame_tensor
from flawgate_training.learning.stage import LearningStage
from flawgate_training.learning.targets import distance_weights, fitted


class SegmentationStage(LearningStage):
    """A `Segmenter` learns masks: of one channel, "defect"; of several, indices of classes.

    Paper b's networks "as classifiers" learn this way too: by the mask, with Dice and cross-entropy; the score of a
    slice is the mean of its highest pixels, so it needs no loss of its own.
    """

    def loss(self, batch: Example) -> Tensor:
        """Between logits and masks, the masks at the logits' size; weights only where there are any."""
        frames, masks, *weights = batch
        logits: Tensor = self.network(frames)
        return self.lesson.measure(logits, fitted(masks, logits), *weights)


class ClassificationStage(LearningStage):
    """A `Classifier` learns classes of frames; of one output, "defective"."""

    def loss(self, batch: Example) -> Tensor:
        """Between logits and indices of classes."""
        frames, labels = batch
        return self.lesson.measure(self.network(frames), labels)


class ReconstructionStage(LearningStage):
    """A `Reconstructor` learns to draw good frames: as they are, or from corrupted ones where the stage has those."""

    def loss(self, batch: Example) -> Tensor:
        """Between what is drawn and the good frame."""
        frames, *corrupted = batch
        return self.lesson.measure(self.network(corrupted[0] if corrupted else frames), frames)


def masked_example(pixels: Pixels, mask: Pixels, label: int) -> Example:
    """Frame, (C, H, W), uint8, and mask, (H, W), uint8."""
    del label
    return frame_tensor(pixels), torch.from_numpy(mask)


def weighted_example(pixels: Pixels, mask: Pixels, label: int, *, power: float, largest: float) -> Example:
    """As `masked_example`, and the pixels' weights, (1, H, W), float32."""
    weights = torch.from_numpy(distance_weights(mask, power=power, largest=largest))[None]
    return *masked_example(pixels, mask, label), weights


def labelled_example(pixels: Pixels, mask: Pixels, label: int) -> Example:
    """Frame, (C, H, W), uint8, and index of the class, (), int64."""
    del mask
    return frame_tensor(pixels), torch.tensor(label)


def plain_example(pixels: Pixels, mask: Pixels, label: int) -> Example:
    """The frame alone, (C, H, W), uint8."""
    del mask, label
    return (frame_tensor(pixels),)
