"""Counting what a policy would decide against what was decided, and against what people said."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, cast, get_args

from flawgate_gateway.policies.whatif import Mistakes, Obstacle, Outcome, Share
from flawgate_gateway.records.filters import Evaluation

OBSTACLES: frozenset[str] = frozenset(get_args(Obstacle))
NOT_TRUSTED: Obstacle = "NOT_TRUSTED"


class Record(NamedTuple):
    """What is counted of a record; `proposed` is an evaluation, or the obstacle to one."""

    decided: str
    proposed: str
    reviewed: str | None


@dataclass
class Mistake:
    """One kind of mistake: an evaluation where a person says otherwise."""

    evaluation: str
    truth: str
    examples: list[str] = field(default_factory=list)


class Tally:
    """Counts records; holds as many ids as examples may be named, and no more."""

    def __init__(self, *, max_examples: int) -> None:
        self.max_examples = max_examples
        self.missed = Mistake("OK", "NOT_OK")
        self.false_alarms = Mistake("NOT_OK", "OK")
        self._counts: Counter[Record] = Counter()

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The kinds of mistakes."""
        return self.missed, self.false_alarms

    @property
    def records(self) -> int:
        """How many were counted."""
        return self._counts.total()

    @property
    def reviewed(self) -> int:
        """How many of those judged again have a review."""
        return sum(count for record, count in self._judged.items() if record.reviewed is not None)

    def add(self, record: Record, count: int = 1) -> None:
        """Count records that are alike."""
        self._counts[record] += count

    def example(self, record: Record, inspection_id: str) -> None:
        """Keep the id of a record where it is a mistake that the policy would make; the latest come first."""
        for mistake in self.mistakes:
            is_one = (record.proposed, record.reviewed) == (mistake.evaluation, mistake.truth)
            if is_one and len(mistake.examples) < self.max_examples:
                mistake.examples.append(inspection_id)

    def outcomes(self) -> tuple[Outcome, ...]:
        """The records that could be judged again."""
        ordered = sorted(
            self._judged.items(), key=lambda each: (each[0].decided, each[0].proposed, str(each[0].reviewed))
        )
        return tuple(Outcome.model_validate({**record._asdict(), "count": count}) for record, count in ordered)

    def not_simulated(self) -> dict[Obstacle, int]:
        """The others, by obstacle."""
        found: Counter[str] = Counter()
        for record, count in self._counts.items():
            found[record.proposed] += count
        return {cast("Obstacle", name): found[name] for name in sorted(OBSTACLES) if found[name]}

    def share(self, evaluation: Evaluation) -> Share:
        """Of the records that could be judged again, those with an evaluation."""
        total = sum(self._judged.values())
        if not total:
            return Share(decided=None, proposed=None)
        decided, proposed = (
            sum(count for record, count in self._judged.items() if getattr(record, side) == evaluation)
            for side in ("decided", "proposed")
        )
        return Share(decided=decided / total, proposed=proposed / total)

    def made(self, mistake: Mistake) -> Mistakes:
        """How often a mistake was, and would be, made."""
        of_truth = {record: count for record, count in self._judged.items() if record.reviewed == mistake.truth}
        decided = sum(count for record, count in of_truth.items() if record.decided == mistake.evaluation)
        proposed = sum(count for record, count in of_truth.items() if record.proposed == mistake.evaluation)
        return Mistakes(decided=decided, proposed=proposed, examples=tuple(mistake.examples))

    @property
    def _judged(self) -> Mapping[Record, int]:
        return {record: count for record, count in self._counts.items() if record.proposed not in OBSTACLES}
