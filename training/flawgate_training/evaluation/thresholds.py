"""Thresholds from validation frames; never from those that a run is judged upon."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from flawgate_imaging.scores import SCORE_DECIMALS
from flawgate_training.evaluation.frames import both_kinds
from flawgate_training.evaluation.predictions import Prediction
from flawgate_training.evaluation.ranking import Ranking
from flawgate_training.experiment.schema import Experiment

_STEP = 10.0**-SCORE_DECIMALS
"""Scores are multiples of this."""


def chosen(experiment: Experiment, validation: Sequence[Prediction]) -> float | None:
    """The best threshold by validation frames.

    Args:
        experiment: says by what: an anomaly by the quantile of good frames, everything else by F1.
        validation: what the network said about them.

    Returns:
        0–1; None where they cannot tell: no good ones for an anomaly, or not both kinds for the rest.
    """
    if experiment.task == "anomaly":
        good = [prediction.score for prediction in validation if not prediction.defective]
        return passing(np.array(good), experiment.judging.good_quantile) if good else None
    if not both_kinds(validation):
        return None
    scores = np.array([prediction.score for prediction in validation])
    return best_f1(scores, np.array([prediction.defective for prediction in validation]))


def passing(good: NDArray[np.float64], share: float) -> float:
    """The lowest threshold that lets at least so large a share of good frames pass; 1 where none does.

    Args:
        good: their scores, (n,), 0–1, rounded to `SCORE_DECIMALS`, n at least 1.
        share: 0–1.
    """
    edge = float(np.quantile(good, share, method="inverted_cdf"))
    return min(1.0, round(edge + _STEP, SCORE_DECIMALS))


def best_f1(scores: NDArray[np.float64], defective: NDArray[np.bool_]) -> float:
    """The threshold of the highest F1; of several, the one in the widest gap between two scores.

    Args:
        scores: (n,), 0–1.
        defective: (n,), at least one of each kind.

    Returns:
        Halfway between the lowest score called defective and the highest called good, rounded up to
        `SCORE_DECIMALS`; 0 where all are called defective.
    """
    ranked = Ranking.of(scores)
    found = ranked.totals(defective.astype(np.float64)).cumsum()
    called = ranked.totals(np.ones(len(scores))).cumsum()
    f1 = 2 * found / (called + defective.sum())
    gaps = ranked.scores - np.append(ranked.scores[1:], 0.0)
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    place = int(best[np.argmax(gaps[best])])
    if place == len(gaps) - 1:
        return 0.0
    lowest, middle = float(ranked.scores[place]), float(ranked.scores[place : place + 2].mean())
    steps = math.ceil(round(middle / _STEP, 3))
    return min(lowest, float(steps / 10**SCORE_DECIMALS))
