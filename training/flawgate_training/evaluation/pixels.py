"""Figures over pixels: intersection over union from one confusion matrix, and the ranking of maps from histograms."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from flawgate_training.evaluation import confusion, ranking
from flawgate_training.evaluation.figures import PixelFigures, SegmentationFigures
from flawgate_training.evaluation.intervals import bootstrap
from flawgate_training.evaluation.predictions import Histogram, Prediction


def pixel_matrix(predictions: Sequence[Prediction]) -> NDArray[np.float64]:
    """One confusion matrix over all pixels of all frames, (K, K)."""
    return np.asarray(_cells(predictions).sum(axis=0), np.float64)


def segmentation_figures(predictions: Sequence[Prediction], classes: Sequence[str]) -> SegmentationFigures:
    """Count over the whole set, never frame by frame: a class that a frame lacks has no IoU there.

    Args:
        predictions: with the confusion of their pixels, at least one.
        classes: names, background first.
    """
    cells = _cells(predictions)
    total = cells.sum(axis=0)
    ious = confusion.ious(total)
    foreground = confusion.mean(ious[1:])
    flat = cells.reshape(len(cells), -1)
    return SegmentationFigures(
        classes=tuple(classes),
        confusion=tuple(tuple(int(count) for count in row) for row in total),
        iou=tuple(None if np.isnan(iou) else float(iou) for iou in ious),
        mean_iou=float(confusion.mean(ious)),
        mean_iou_foreground=None if np.isnan(foreground) else float(foreground),
        mean_iou_interval=bootstrap(
            [prediction.group for prediction in predictions],
            lambda weights: confusion.mean(confusion.ious((weights @ flat).reshape(-1, *total.shape))),
        ),
        pixel_accuracy=float(confusion.accuracy(total)),
        majority_accuracy=float(total.sum(axis=1).max() / total.sum()),
    )


def pixel_figures(histograms: Sequence[Histogram]) -> PixelFigures:
    """Of all maps together.

    Args:
        histograms: of one run, or of each fold; in all, some good and some defective pixels.
    """
    good, defective = (
        np.array([getattr(each, kind) for each in histograms], np.float64).sum(axis=0)[::-1]
        for kind in ("good", "defective")
    )
    return PixelFigures(
        average_precision=float(ranking.average_precision(defective, good)), auroc=float(ranking.auroc(defective, good))
    )


def _cells(predictions: Sequence[Prediction]) -> NDArray[np.float64]:
    """(n, K, K)."""
    flat = np.array([prediction.confusion for prediction in predictions], np.float64)
    side = round(flat.shape[1] ** 0.5)
    return flat.reshape(-1, side, side)
