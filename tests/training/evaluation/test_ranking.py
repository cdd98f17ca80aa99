import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import binary_auroc, binary_average_precision

from flawgate_training.evaluation import ranking
from flawgate_training.evaluation.ranking import Ranking

RNG = np.random.default_rng(1)
TRUTH = RNG.random(200) < 0.2
SCORES = np.round(np.clip(RNG.normal(0.4 + 0.2 * TRUTH, 0.15), 0, 1), 2).astype(np.float64)
"""With many ties."""


def figures(weights: np.ndarray) -> tuple[float, float]:
    """AP and AUROC of the example, each frame counting so often."""
    ranked = Ranking.of(SCORES)
    counts = ranked.totals(weights * TRUTH), ranked.totals(weights * ~TRUTH)
    return float(ranking.average_precision(*counts)), float(ranking.auroc(*counts))


def test_as_torchmetrics() -> None:
    """AP and AUROC agree with torchmetrics, ties included."""
    scores, truth = torch.from_numpy(SCORES), torch.from_numpy(TRUTH).long()
    theirs = float(binary_average_precision(scores, truth)), float(binary_auroc(scores, truth))
    assert figures(np.ones(200)) == pytest.approx(theirs, rel=1e-5)


def test_weights_are_repetitions() -> None:
    """A frame of weight 2 counts as two such frames, one of weight 0 as none."""
    weights = RNG.integers(0, 3, 200)
    scores = torch.from_numpy(np.repeat(SCORES, weights))
    truth = torch.from_numpy(np.repeat(TRUTH, weights)).long()
    theirs = float(binary_average_precision(scores, truth)), float(binary_auroc(scores, truth))
    assert figures(weights.astype(np.float64)) == pytest.approx(theirs, rel=1e-5)


def test_undefined_of_one_kind() -> None:
    """Without any defective frame neither figure is defined; without a good one AUROC is not."""
    counts, none = np.ones(3), np.zeros(3)
    assert np.isnan(ranking.average_precision(none, counts))
    assert np.isnan(ranking.auroc(none, counts))
    assert np.isnan(ranking.auroc(counts, none))
    assert ranking.average_precision(counts, none) == 1.0
