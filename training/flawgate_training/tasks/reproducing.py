"""`flawgate reproduce`."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from flawgate_contracts.errors import FlawgateError, InvalidParameter
from flawgate_training.studies import gathering, goals, loading, page, results
from flawgate_training.studies.gathering import Pair, run_folder
from flawgate_training.studies.loading import experiment_of
from flawgate_training.studies.running import carry_out, finished, needs_folder
from flawgate_training.studies.schema import Study
from flawgate_training.tasks.progress import show_progress

_log = logging.getLogger(__name__)

_RUNS = Path("runs")


@dataclass(frozen=True)
class Reproduction:
    """What `flawgate reproduce` was asked for.

    Attributes:
        study: name.
        data: folder of the data set; generated pictures need none.
        variants: the ones to run; all where empty.
        seeds: the ones to run; all where empty.
        out: folder of the runs; `runs/<study>` where None.
        results: folder of the results; the page lies beside it.
        studies: folder of the studies; ours where None.
        gather: train nothing, only gather what is finished.
    """

    study: str
    data: Path | None = None
    variants: Sequence[str] = ()
    seeds: Sequence[int] = ()
    out: Path | None = None
    results: Path = Path("docs/results")
    studies: Path | None = None
    gather: bool = False


def reproduce(asked: Reproduction) -> bool:
    """Carry out what a study lacks, unless it is to be gathered alone; write its result and the page after every run.

    Args:
        asked: see `Reproduction`.

    Returns:
        Whether every run that was carried out came to its figures.

    Raises:
        InvalidExperiment: there is no such study, or one of the studies is wrong.
        InvalidParameter: the study has no such variant or seed, the data set's folder is not given, or an earlier
            result cannot be read.
        DiskFull: no space is left for the results.
    """
    show_progress()
    study, known = loading.load(asked.study, asked.studies), loading.load_all(asked.studies)
    pairs = _pairs(study, asked)
    out = asked.out or _RUNS / study.name
    if not asked.gather:
        _needs_no_files(study, pairs, out, asked)
    failures: dict[Pair, str] = {}
    _gather(study, out, asked, known, failures)
    for variant, seed in () if asked.gather else pairs:
        sentence = _run(study, (variant, seed), out, asked)
        if sentence is not None:
            failures[variant, seed] = sentence
        _gather(study, out, asked, known, failures)
    _tell(study, asked, failures)
    return not failures


def _pairs(study: Study, asked: Reproduction) -> list[Pair]:
    """Seed by seed, so that every variant has one run before any has two."""
    names = [variant.name for variant in study.variants]
    for field, given, there in (("variant", asked.variants, names), ("seed", asked.seeds, study.seeds)):
        unknown = [each for each in given if each not in there]
        if unknown:
            raise InvalidParameter(
                f"The study {study.name} has no {field} {unknown[0]}; it has {', '.join(map(str, there))}.",
                {"field": field},
            )
    seeds = asked.seeds or study.seeds
    return [(name, seed) for seed in seeds for name in asked.variants or names]


def _needs_no_files(study: Study, pairs: Sequence[Pair], out: Path, asked: Reproduction) -> None:
    """Refuse at once what would fail in run after run."""
    for variant, seed in pairs if asked.data is None else ():
        experiment = experiment_of(study.variant(variant), seed)
        if needs_folder(experiment) and not finished(experiment, run_folder(out, variant, seed)):
            raise InvalidParameter(
                f"The study {study.name} learns from files ({experiment.data.kind}); give their folder with --data "
                "(`make`: DATA=...), or --gather what is finished.",
                {"field": "data"},
            )


def _run(study: Study, pair: Pair, out: Path, asked: Reproduction) -> str | None:
    """Carry one run out, unless it is finished; why it came to nothing, or None."""
    variant, seed = pair
    experiment, folder = experiment_of(study.variant(variant), seed), run_folder(out, variant, seed)
    if finished(experiment, folder):
        typer.echo(f"{study.name}, {variant}, seed {seed}: finished in {folder}")
        return None
    typer.echo(f"{study.name}, {variant}, seed {seed}: goes on in {folder}")
    try:
        carry_out(experiment, asked.data, folder)
    except FlawgateError as err:
        _log.error("%s, seed %d: %s", variant, seed, err.message)
        return err.message
    except (RuntimeError, MemoryError) as err:  # of torch: the other runs may still succeed
        _log.exception("%s, seed %d", variant, seed)
        return f"{type(err).__name__}; the log has its traceback."
    return None


def _gather(study: Study, out: Path, asked: Reproduction, known: Sequence[Study], failures: dict[Pair, str]) -> None:
    earlier = results.read(study.name, asked.results)
    found = gathering.gather(study, out, earlier, data=asked.data, failures=failures)
    if found.runs or found.failures:
        results.write(found, asked.results)
    asked.results.mkdir(parents=True, exist_ok=True)
    page.write(asked.results, known)


def _tell(study: Study, asked: Reproduction, failures: dict[Pair, str]) -> None:
    found = results.read(study.name, asked.results)
    if found is not None:
        typer.echo(f"{study.name}: {goals.verdict(found).sentence.replace('**', '')}.")
    typer.echo(f"Results: {page.path_of(asked.results)}")
    for (variant, seed), sentence in failures.items():
        typer.echo(f"{variant} with seed {seed} came to nothing: {sentence}", err=True)
