"""docs/results.md, made anew from the results of all studies."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flawgate_contracts.repository.files import write_whole
from flawgate_training.studies import annotations, goals, notes, results
from flawgate_training.studies.figures import FIGURES, FigureName, of_errors, told
from flawgate_training.studies.provenance import Made
from flawgate_training.studies.results import RunResult, StudyResult, WrongFrame
from flawgate_training.studies.schema import Reference, Study
from flawgate_training.studies.templating import environment

WRONG_SHOWN = 12
"""Of the wrong frames of one run; the rest are counted, and stand in the study's JSON."""

_MINUTE_S, _GIBIBYTE_MB = 60, 1024


def path_of(folder: Path) -> Path:
    """Where the page of a folder of results lies: beside the folder, under its name."""
    return folder.with_name(f"{folder.name}.md")


def write(folder: Path, known: Sequence[Study]) -> Path:
    """Write the page and its pictures, each whole or not at all.

    Args:
        folder: of the results.
        known: every study there is: those without a result stand on the page as not run.

    Returns:
        The page's path.

    Raises:
        InvalidParameter: a result or the notes cannot be read.
        DiskFull: no space is left.
    """
    found = complete(results.read_all(folder), known)
    template = environment().get_template("results.md.j2")
    drawn = annotations.draw(found, folder)
    sentences = notes.read(folder)
    page = template.render(
        studies=[Section(each, sentences.get(each.study.name, {})) for each in found],
        goals=goals.counts(found),
        charts=[(name, annotations.FIGURE_OF[name], annotations.alternative(name)) for name in drawn],
        served=results.read_served(folder),
        folder=folder.name,
        made=made_in_words,
        errors=of_errors,
    )
    write_whole(path_of(folder), page.encode())
    return path_of(folder)


def complete(found: Sequence[StudyResult], known: Sequence[Study]) -> list[StudyResult]:
    """Results as the studies are described today, and an empty one of each study that has none; by place."""
    today = {study.name: study for study in known}
    updated = [each.model_copy(update={"study": today.get(each.study.name, each.study)}) for each in found]
    there = {each.study.name for each in found}
    empty = [StudyResult(study=study) for study in known if study.name not in there]
    return sorted([*updated, *empty], key=lambda each: (each.study.place, each.study.name))


def made_in_words(made: Made) -> str:
    """Commit, date and machine in one line."""
    machine = made.machine
    memory = "" if machine.memory_mb is None else f", {machine.memory_mb / _GIBIBYTE_MB:.0f} GiB"
    cores = f"{machine.cores} core{'' if machine.cores == 1 else 's'}"
    return f"{commit_in_words(made)}, {made.at:%Y-%m-%d}; {machine.cpu}, {cores}{memory}; torch {machine.torch}"


def commit_in_words(made: Made) -> str:
    """The commit, short, and whether the code was that of the commit."""
    if made.commit is None:
        return "no commit"
    return f"`{made.commit[:10]}`" + ("" if made.clean else " with uncommitted changes")


@dataclass(frozen=True)
class Row:
    """One row of a study's table: all cells as text."""

    name: str
    seed: str
    cells: tuple[str, ...]
    training: str = ""
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A study as the template shows it.

    Attributes:
        result: what it came to.
        notes: sentences about its frames, by name.
    """

    result: StudyResult
    notes: Mapping[str, str]

    @property
    def study(self) -> Study:
        """The question."""
        return self.result.study

    @property
    def headings(self) -> list[str]:
        """Of the columns of figures."""
        return [FIGURES[name].title for name in self.study.figures]

    @property
    def rows(self) -> list[Row]:
        """What others reached, then every run asked for."""
        others = [self._reference(each) for each in self.study.references]
        return others + [row for variant in self.study.variants for row in self._variant(variant.name, variant.title)]

    @property
    def verdict(self) -> goals.Verdict:
        """Whether the goal is met."""
        return goals.verdict(self.result)

    @property
    def goal(self) -> str:
        """All parts of the goal."""
        return "; ".join(goals.sentence(goal) for goal in self.study.goals) or "–"

    @property
    def ours(self) -> str:
        """The headline variant in few words."""
        runs = self.result.of(self.study.headline)
        if not runs:
            return "not run"
        parts = [self._over_seeds(runs, name) for name in self._told]
        return ", ".join(part for part in parts if part) + (f" ({len(runs)} seeds)" if len(runs) > 1 else "")

    @property
    def missing(self) -> str:
        """How many runs are missing, in words; empty where none is."""
        asked = len(self.study.variants) * len(self.study.seeds)
        gone = len(self.result.missing)
        return f"{gone} of {asked} {'run' if asked == 1 else 'runs'}" if gone else ""

    @property
    def origins(self) -> list[str]:
        """Where runs were trained and gathered, each way named once."""
        told_runs = (f"Trained on {_device(run)}; gathered at {made_in_words(run.made)}." for run in self.result.runs)
        return list(dict.fromkeys(told_runs))

    @property
    def intervals(self) -> str:
        """The 95 % intervals of the headline's first run, in words; empty where there are none."""
        known = next((run.intervals for run in self.result.of(self.study.headline)), {})
        wanted = {*self.study.figures, "precision", "recall"}
        found = {name: each for name, each in known.items() if name in wanted and not each.is_point}
        return ", ".join(
            f"{FIGURES[name].title} {told(name, each.low)} to {told(name, each.high)}" for name, each in found.items()
        )

    @property
    def protocols(self) -> list[str]:
        """How the runs were judged, each way named once."""
        return list(dict.fromkeys(run.protocol for run in self.result.runs))

    @property
    def wrong(self) -> list[tuple[RunResult, Sequence[WrongFrame], int]]:
        """Runs with wrong frames: those shown, and how many more there are."""
        found = [run for run in self.result.runs if run.wrong]
        return [(run, run.wrong[:WRONG_SHOWN], max(0, len(run.wrong) - WRONG_SHOWN)) for run in found]

    def others(self, kind: str) -> str:
        """The best of the paper, or of the public results, in few words."""
        best = [each for each in self.study.references if each.kind == kind and each.best]
        return "; ".join(self._in_short(each) for each in best) or "–"

    @property
    def _told(self) -> tuple[FigureName, ...]:
        """Figures of the summary: those of the goal, or the first one."""
        return tuple(goal.figure for goal in self.study.goals) or self.study.figures[:1]

    def _in_short(self, reference: Reference) -> str:
        named = [name for name in (*self._told, "f1", "accuracy") if name in reference.figures]
        return ", ".join(_cell(reference.figures, name, titled=True) for name in dict.fromkeys(named)) or reference.name

    def _over_seeds(self, runs: Sequence[RunResult], name: FigureName) -> str:
        if len(runs) == 1:
            return _cell(runs[0].figures, name, titled=True)
        if FIGURES[name].counted:
            return f"{FIGURES[name].title} {' / '.join(told(name, run.figures[name]) for run in runs)}"
        return f"{FIGURES[name].title} {goals.over_seeds(runs, name)}"

    def _reference(self, reference: Reference) -> Row:
        cells = tuple(_cell(reference.figures, name) for name in self.study.figures)
        return Row(reference.name, "", cells, note=reference.note)

    def _variant(self, name: str, title: str) -> Iterator[Row]:
        failed = {each.seed: each.sentence for each in self.result.failures if each.variant == name}
        for seed in self.study.seeds:
            run = self.result.run(name, seed)
            if run is None:
                told_why = f"failed: {failed[seed]}" if seed in failed else "not run"
                yield Row(f"**{title}**", str(seed), ("–",) * len(self.study.figures), note=told_why)
            else:
                yield Row(f"**{title}**", str(seed), self._cells(run), f"{run.seconds / _MINUTE_S:.0f} min")
        runs = self.result.of(name)
        if len(runs) > 1:
            cells = tuple(goals.over_seeds(runs, figure) or "–" for figure in self.study.figures)
            yield Row(f"**{title}**", "mean ± sd", cells, note=f"over {len(runs)} seeds")

    def _cells(self, run: RunResult) -> tuple[str, ...]:
        return tuple(_cell(run.figures, name) for name in self.study.figures)


def _cell(figures: Mapping[FigureName, float], name: FigureName, *, titled: bool = False) -> str:
    if name not in figures:
        return "" if titled else "–"
    if name == "errors":
        text = of_errors(figures)
        return f"{text} errors" if titled and "F" not in text else text
    return f"{FIGURES[name].title} {told(name, figures[name])}" if titled else told(name, figures[name])


def _device(run: RunResult) -> str:
    return f"the CPU, {run.threads} thread{'' if run.threads == 1 else 's'}" if run.device == "cpu" else run.device
