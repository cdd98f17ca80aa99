"""The parity gate on explanations: what the file shows must be what torch's own gradients show."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from support.scripted_models import Answer, Scripted

from flawgate_contracts.errors import ParityRefused
from flawgate_contracts.kinds import EXPLANATION, PROBABILITIES
from flawgate_contracts.recipe import Policy, Precision
from flawgate_imaging.judgement import Manner
from flawgate_training.export import parity
from flawgate_training.export.parity import TOLERANCES, NamedFrame, Parity

FRAME = NamedFrame("kos01/Part5", np.zeros((64, 64), np.uint8))
POLICY = Policy(threshold=0.9)
MANNER = Manner("classification", 2, None, top_share=0.001, good_class=True)


def classified(explanation: NDArray[np.float32], answer: int = 1) -> Answer:
    """What an explained classification says: a class of two, and where it is seen."""
    probabilities = np.full((len(explanation), 2), 0.3, np.float32)
    probabilities[:, answer] = 0.7
    return {PROBABILITIES: probabilities, EXPLANATION: explanation}


def explained(first: Answer, second: Answer, *, precision: Precision = "fp32") -> Parity:
    """Of one frame, judged by a classification."""
    return parity.compare(Scripted(first), Scripted(second), MANNER, POLICY, [FRAME], precision=precision)


def ramp(side: int) -> NDArray[np.float32]:
    """(1, side, side), from 0 on the left to 1 on the right."""
    return np.tile(np.linspace(0, 1, side, dtype=np.float32), (1, side, 1))


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_explanations_must_agree(precision: Precision) -> None:
    """On average over the frame, within the tolerance of the precision."""
    allowed = TOLERANCES[precision].explanation
    seen = np.zeros((1, 64, 64), np.float32)
    seen[0, 0, 0] = 1.0
    near, far = seen.copy(), seen.copy()
    near[0, 32:, :], far[0, 32:, :] = 1.8 * allowed, 2.4 * allowed
    passed, failed = (explained(classified(seen), classified(other), precision=precision) for other in (near, far))
    assert passed.passed
    assert passed.frames[0].explanation_difference == pytest.approx(0.9 * allowed, rel=1e-3)
    assert failed.largest_explanation_difference == pytest.approx(1.2 * allowed, rel=1e-3)
    with pytest.raises(ParityRefused, match="An explanation differs by"):
        parity.check(failed)


def test_a_coarse_explanation_is_spread_before_it_is_compared() -> None:
    """The file answers in the resolution of its maps, torch in that of the frame; both reach from 0 to 1."""
    coarse = np.array([[[0.2, 0.6]]], np.float32)
    fine = np.interp((np.arange(64) + 0.5) / 32 - 0.5, [0, 1], [0, 1]).astype(np.float32)
    found = explained(classified(np.tile(fine, (1, 64, 1))), classified(coarse))
    assert found.largest_explanation_difference == pytest.approx(0.0, abs=1e-6)


def test_explanations_of_different_classes_are_not_compared() -> None:
    """Where two classes are equally probable, each side may explain its own; the scores tell whether that matters."""
    found = explained(classified(ramp(64), 0), classified(1 - ramp(8), 1))
    assert found.largest_explanation_difference is None


def test_without_an_explanation_on_either_side_none_is_compared() -> None:
    """A file that has none is as good as before."""
    plain = {PROBABILITIES: np.array([[0.3, 0.7]], np.float32)}
    found = explained(classified(ramp(64)), plain)
    assert (found.frames[0].explanation_difference, found.passed) == (None, True)


def test_a_comparison_of_before_can_be_read() -> None:
    """An older parity.json knows nothing of explanations."""
    said = classified(ramp(64))
    document = json.loads(explained(said, said).as_json())
    del document["largest_explanation_difference"], document["tolerance"]["explanation"]
    del document["frames"][0]["explanation_difference"]
    assert Parity.model_validate(document).largest_explanation_difference is None
