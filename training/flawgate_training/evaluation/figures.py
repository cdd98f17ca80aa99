"""The figures of an evaluation, as data. Ratios are 0–1; one without anything to count is 0, unless it may be None."""

from pydantic import BaseModel, ConfigDict, Field

from flawgate_training.experiment.schema import Task


class Figures(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WrongFrame(Figures):
    """A frame on the wrong side of the threshold."""

    name: str
    defective: bool = Field(description="The truth: a missed defect where true, a false alarm where false.")
    score: float = Field(ge=0, le=1)


class Evaluation(Figures):
    """Figures over frames, each good or defective."""

    threshold: float = Field(
        ge=0, le=1, description="NOT_OK from this score upwards; the mean where every fold has one of its own."
    )
    frames: int
    true_positives: int = Field(description="Defects found.")
    false_positives: int = Field(description="False alarms.")
    false_negatives: int = Field(description="Defects missed.")
    true_negatives: int = Field(description="Good frames passed.")
    precision: float
    recall: float
    f1: float
    average_precision: float
    auroc: float = Field(description="Area under the receiver operating characteristic.")
    wrong: tuple[WrongFrame, ...] = Field(description="Every frame judged wrongly, by name.")

    def figures(self) -> dict[str, float]:
        """The numbers alone, by name."""
        return {name: float(value) for name, value in self.model_dump(exclude={"wrong"}).items()}


class Interval(Figures):
    """The middle 95 % of where a figure may lie, given how few frames it rests on."""

    low: float
    high: float

    @property
    def is_point(self) -> bool:
        """Whether every draw of a bootstrap gave the same value: too few errors to show how far the figure may move."""
        return self.low == self.high


class Intervals(Figures):
    """Of an `Evaluation`. None where too few frames, or too few parts, allow none."""

    precision: Interval = Field(description="Clopper-Pearson.")
    recall: Interval = Field(description="Clopper-Pearson.")
    specificity: Interval = Field(description="Clopper-Pearson: of the share of good frames that pass.")
    f1: Interval | None = Field(description="Bootstrap over groups.")
    average_precision: Interval | None = Field(description="Bootstrap over groups.")
    auroc: Interval | None = Field(description="Bootstrap over groups.")


class ClassRow(Figures):
    """One class."""

    name: str
    frames: int = Field(description="That truly are of this class.")
    precision: float
    recall: float
    f1: float
    recall_interval: Interval = Field(description="Clopper-Pearson.")


class ClassFigures(Figures):
    """Figures over frames, each of one class. All from the confusion matrix."""

    classes: tuple[ClassRow, ...]
    confusion: tuple[tuple[int, ...], ...] = Field(description="Frames by true class (row) and answer (column).")
    frames: int
    accuracy: float
    accuracy_interval: Interval = Field(description="Clopper-Pearson.")
    majority_class: str = Field(description="The commonest among the frames judged.")
    majority_accuracy: float = Field(description="Of always answering that class: what an accuracy must beat.")
    majority_weighted_f1: float = Field(description="Of always answering that class.")
    balanced_accuracy: float = Field(description="Mean recall over the classes that occur.")
    macro_f1: float = Field(description="Mean F1 over the classes that occur or are answered.")
    macro_f1_interval: Interval | None = Field(description="Bootstrap over groups.")
    weighted_f1: float = Field(description="F1 of each class, weighed by its frames.")
    mcc: float = Field(description="Matthews' correlation coefficient, -1 to 1; 0 where only one class is answered.")


class PixelFigures(Figures):
    """How well a map of defect probabilities or residuals ranks pixels, from histograms of 4,096 bins."""

    average_precision: float
    auroc: float


class SegmentationFigures(Figures):
    """Figures over pixels, from one confusion matrix over the whole set."""

    classes: tuple[str, ...] = Field(description="Background first.")
    confusion: tuple[tuple[int, ...], ...] = Field(description="Pixels by true class (row) and answer (column).")
    iou: tuple[float | None, ...] = Field(description="Per class; None where it neither occurs nor is answered.")
    mean_iou: float = Field(description="Over all classes that have one, the background among them.")
    mean_iou_foreground: float | None = Field(description="The same without the background.")
    mean_iou_interval: Interval | None = Field(description="Bootstrap over groups, of `mean_iou`.")
    pixel_accuracy: float
    majority_accuracy: float = Field(description="Of calling every pixel the commonest class, mostly background.")


class Report(Figures):
    """How a run, or all folds of a cross-validation, were judged."""

    protocol: str = Field(description="On which frames, and why they are unseen.")
    pooled: Evaluation | None = Field(
        default=None,
        description="Over all frames, at the threshold set; None unless some are good and some are defective.",
    )
    folds: tuple[Evaluation, ...] = Field(default=(), description="One per fold; none without cross-validation.")
    task: Task | None = None
    digest: str = Field(default="", description="Of the experiments and weights that were judged.")
    tuned: Evaluation | None = Field(
        default=None, description="At the best threshold on validation frames; None where there is none, or it is set."
    )
    fixed: Evaluation | None = Field(
        default=None, description="At 0.9; None where that is set, and for anomalies, whose scores are residuals."
    )
    intervals: Intervals | None = Field(default=None, description="Of `pooled`.")
    images: ClassFigures | None = Field(default=None, description="Of whole frames by class.")
    segmentation: SegmentationFigures | None = Field(default=None, description="Where the network marks pixels.")
    pixels: PixelFigures | None = Field(default=None, description="Of defect maps, where masks are known.")

    def figures(self) -> dict[str, float]:
        """The main numbers, by name, for a recipe's provenance."""
        found = self.pooled.figures() if self.pooled else {}
        if self.images:
            names = ("accuracy", "majority_accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "mcc")
            found |= {name: float(getattr(self.images, name)) for name in names}
        if self.segmentation:
            found |= {"mean_iou": self.segmentation.mean_iou, "pixel_accuracy": self.segmentation.pixel_accuracy}
        return found
