"""What the decision service says of its recipes, their models and their golden frames."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

GOLDEN_RESULTS = ("passed", "failed", "error")
"""How a check of golden frames ends; `error`: a model gave no answer, so there is no verdict."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model of a recipe.

    Attributes:
        model: its name.
        version: of it.
        sha256: of its ONNX file.
        precision: what that file computes with.
        loaded_at: when it was taken up, in seconds since 1970; None where it is not in use.
    """

    model: str
    version: str
    sha256: str
    precision: str
    loaded_at: float | None


@dataclass(frozen=True, slots=True)
class GoldenFacts:
    """What is known of a recipe's golden frames.

    Attributes:
        counts: checks so far, by `GOLDEN_RESULTS`.
        passed: whether the last check passed; None where no frame is at hand, or there was no check yet.
        checked: frames that were asked about when a check last came to a verdict.
        missing: frames that were not at hand then.
        checked_at: when that was, in seconds since 1970; None where none has.
        largest_difference: of a score from the one expected, 0–1; None where no frame was asked about.
    """

    counts: tuple[int, int, int] = (0, 0, 0)
    passed: bool | None = None
    checked: int = 0
    missing: int = 0
    checked_at: float | None = None
    largest_difference: float | None = None


@dataclass(frozen=True, slots=True)
class RecipeFacts:
    """One recipe as it stands.

    Attributes:
        recipe: its name.
        is_ready: whether it can be used and trusted.
        version: None where it could not be read, as with its models.
        models: in the order of their run.
        golden: its golden frames.
    """

    recipe: str
    is_ready: bool
    version: str | None = None
    models: Sequence[ModelFacts] = ()
    golden: GoldenFacts = GoldenFacts()


class RecipeMetrics(Collector):
    """What the decision service says of its recipes: of those that it was last told of, and none of yesterday."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.model_server_up = Gauge(
            "flawgate_model_server_up", "1 while the model server answers, else 0.", registry=registry
        )
        self._recipes: tuple[RecipeFacts, ...] = ()
        registry.register(self)

    def show(self, recipes: Iterable[RecipeFacts]) -> None:
        """From now on, these."""
        self._recipes = tuple(recipes)

    def collect(self) -> Iterator[Metric]:
        """For a scrape."""
        yield from _recipe_families(self._recipes)
        yield from _model_families([model for each in self._recipes for model in each.models])
        yield from _golden_families({each.recipe: each.golden for each in self._recipes})


def _recipe_families(recipes: Sequence[RecipeFacts]) -> Iterator[Metric]:
    ready = _gauge(
        "flawgate_recipe_ready",
        "1 while a recipe's models are loaded and judge its golden frames as they must, else 0.",
        "recipe",
    )
    info = _gauge("flawgate_recipe_info", "1, with the version of a recipe.", "recipe", "version")
    for each in recipes:
        ready.add_metric([each.recipe], each.is_ready)
        if each.version is not None:
            info.add_metric([each.recipe, each.version], 1)
    yield from (ready, info)


def _model_families(models: Sequence[ModelFacts]) -> Iterator[Metric]:
    labels = ("model", "version", "sha256", "precision")
    info = _gauge("flawgate_model_info", "1, with what is known of a model of a recipe.", *labels)
    loaded = _gauge(
        "flawgate_model_last_load_timestamp_seconds",
        "When a model was taken up: at the start, with its version, or once the model server was back.",
        "model",
    )
    for each in models:
        info.add_metric([each.model, each.version, each.sha256, each.precision], 1)
        if each.loaded_at is not None:
            loaded.add_metric([each.model], each.loaded_at)
    yield from (info, loaded)


def _golden_families(golden: dict[str, GoldenFacts]) -> Iterator[Metric]:
    passed = _gauge(
        "flawgate_golden_check_passed",
        "1 where the last check of a recipe's golden frames passed, else 0; absent where no frame is at hand.",
        "recipe",
    )
    ran = _gauge(
        "flawgate_golden_last_run_timestamp_seconds",
        "When a check of a recipe's golden frames last came to a verdict.",
        "recipe",
    )
    frames = _gauge(
        "flawgate_golden_frames", "Golden frames of a recipe that are checked, or missing.", "recipe", "state"
    )
    difference = _gauge(
        "flawgate_golden_largest_difference_ratio",
        "Largest difference of a golden frame's score from the one expected, 0 to 1, as last checked.",
        "recipe",
    )
    checks = CounterMetricFamily(
        "flawgate_golden_checks",
        "Checks of a recipe's golden frames, by result: passed, failed or error.",
        labels=["recipe", "result"],
    )
    for name, each in golden.items():
        for family, value in ((passed, each.passed), (ran, each.checked_at), (difference, each.largest_difference)):
            if value is not None:
                family.add_metric([name], value)
        frames.add_metric([name, "checked"], each.checked)
        frames.add_metric([name, "missing"], each.missing)
        for result, count in zip(GOLDEN_RESULTS, each.counts, strict=True):
            checks.add_metric([name, result], count)
    yield from (passed, ran, frames, difference, checks)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=labels)
