"""The kinds of recipes: which models each runs, and what crosses between them. Export writes them, decision reads them.

Every model takes and gives tensors with the batch first. `frame` is (C, H, W), uint8, 0–255; all else is float32.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Kind = Literal["cascade", "segmentation", "classification", "anomaly"]
"""`cascade`: segmentation, then classification (paper d). `segmentation`: classes of pixels (papers a and b).
`classification`: classes of frames (papers c and e). `anomaly`: reconstruction of what is good (paper b)."""

FRAME = "frame"
"""(C, H, W), uint8, 0–255: what the steps give, or one tile of it."""
MASK = "mask"
"""(K, h, w), 0–1: probability of "defect" where K is 1, else of the K classes, 0 the background."""
FEATURES = "features"
"""(F, h, w): what a cascade's classification sees; the last channel is the mask's logit."""
SCORE = "score"
"""(1), 0–1: probability that the frame is defective."""
PROBABILITIES = "probabilities"
"""(K), 0–1: of "defective" where K is 1, else of the K classes."""
EXPLANATION = "explanation"
"""(h, w), 0–1: where the class of the largest probability is seen, or "defective" where K is 1; 0 throughout where
nothing speaks for it. Only of a classification whose recipe is `explained`."""
RECONSTRUCTION = "reconstruction"
"""(C, H, W), 0–1: the frame as the network would draw it."""


class Call(NamedTuple):
    """One model of a recipe: `<recipe>_<part>`, what it takes and what it gives."""

    part: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


CALLS: Mapping[Kind, tuple[Call, ...]] = {
    "cascade": (Call("seg", (FRAME,), (MASK, FEATURES)), Call("cls", (FEATURES,), (SCORE,))),
    "segmentation": (Call("seg", (FRAME,), (MASK,)),),
    "classification": (Call("cls", (FRAME,), (PROBABILITIES,)),),
    "anomaly": (Call("rec", (FRAME,), (RECONSTRUCTION,)),),
}
"""The models of a recipe in the order of their run, with what each always gives. See `calls`."""

ANSWERS: Mapping[Kind, tuple[str, ...]] = {
    "cascade": (MASK, SCORE),
    "segmentation": (MASK,),
    "classification": (PROBABILITIES,),
    "anomaly": (RECONSTRUCTION,),
}
"""What a recipe's ensemble always gives. See `answers`."""


def calls(kind: Kind, *, explained: bool) -> tuple[Call, ...]:
    """The models of a recipe in the order of their run; where it is explained, the last one says why it answers so."""
    *others, last = CALLS[kind]
    return (*others, last._replace(outputs=(*last.outputs, EXPLANATION))) if explained else CALLS[kind]


def answers(kind: Kind, *, explained: bool) -> tuple[str, ...]:
    """What a recipe's ensemble gives."""
    return (*ANSWERS[kind], EXPLANATION) if explained else ANSWERS[kind]
