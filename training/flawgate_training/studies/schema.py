"""The study: a question, the runs that answer it, the goal, and what others reached."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from flawgate_training.studies.figures import FIGURES, ROUNDING, FigureName

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Sentence = Annotated[str, Field(min_length=1, max_length=600)]


class Part(BaseModel):
    """Frozen, and an unknown key is an error. Not an experiment's part: a study's keys are none of an experiment."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Variant(Part):
    """One of the things compared: an experiment, perhaps with settings changed."""

    name: Name = Field(description="Of the folder of its runs.")
    title: Sentence = Field(description="One line for people.")
    experiment: Name = Field(description="Name as in `flawgate experiments`.")
    settings: tuple[str, ...] = Field(default=(), description="key=value each, as for `--set`; the seed comes after.")


class Reference(Part):
    """What somebody else reached."""

    name: Sentence = Field(description="Who, and with what.")
    kind: Literal["paper", "public"] = Field(description="Of the paper that the study follows, or of anybody else.")
    best: bool = Field(default=False, description="Shown in the summary: the best one of its kind.")
    figures: dict[FigureName, float] = Field(default={}, description="Shares are 0–1.")
    note: str = Field(default="", max_length=600, description="Source; what is derived, recalled or not comparable.")


class Goal(Part):
    """What one figure is to reach."""

    figure: FigureName
    at_least: float | None = Field(default=None, description="Goal of a figure of which more is better.")
    at_most: float | None = Field(default=None, description="Goal of a figure of which fewer is better.")
    floor: float | None = Field(default=None, description="Short of the goal but within this, the result is usable.")

    @model_validator(mode="after")
    def _has_the_bound_that_belongs_there(self) -> Self:
        counted = FIGURES[self.figure].counted
        if counted and (self.at_most is None or self.at_least is not None):
            raise ValueError(f"{self.figure} counts errors: give at_most, and nothing else")
        if not counted and (self.at_least is None or self.at_most is not None):
            raise ValueError(f"more is better for {self.figure}: give at_least, and nothing else")
        return self

    def meets(self, value: float, *, floor: bool = False) -> bool:
        """Whether a value reaches the goal, or (where there is one) the floor below it."""
        bound = self.floor if floor and self.floor is not None else self.bound
        return value <= bound if FIGURES[self.figure].counted else value >= bound - ROUNDING

    @property
    def bound(self) -> float:
        """The value to reach."""
        return float(self.at_most if self.at_most is not None else self.at_least or 0.0)


class Study(Part):
    """One question of docs/results.md."""

    name: Name = Field(description="Of the file.")
    place: int = Field(ge=1, description="On the page; 1 is the first.")
    title: Sentence = Field(description="Of its section: the parts and the task.")
    question: Sentence
    protocol: Sentence = Field(description="How it is judged, in few words, for the summary.")
    synthetic: bool = Field(
        default=False, description="The frames are generated: its figures say nothing of real parts."
    )
    headline: Name = Field(description="The variant that is held against the goal.")
    variants: tuple[Variant, ...] = Field(min_length=1)
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(default=(0,), min_length=1)
    figures: tuple[FigureName, ...] = Field(min_length=1, description="Columns of its table.")
    goals: tuple[Goal, ...] = ()
    references: tuple[Reference, ...] = ()
    remarks: tuple[Sentence, ...] = Field(default=(), description="What a reader must know to trust its figures.")

    @model_validator(mode="after")
    def _names_are_clear(self) -> Self:
        for told, names in (("variants", [variant.name for variant in self.variants]), ("seeds", list(self.seeds))):
            if len(set(names)) < len(names):
                raise ValueError(f"two {told} are the same")
        if self.headline not in {variant.name for variant in self.variants}:
            raise ValueError(f"the headline {self.headline} is none of the variants")
        return self

    def variant(self, name: str) -> Variant:
        """The variant of that name."""
        return next(variant for variant in self.variants if variant.name == name)
