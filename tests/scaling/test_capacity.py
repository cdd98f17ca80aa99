from dataclasses import replace
from pathlib import Path

import pytest
from scaling.bounds import most_replicas, plant_bounds
from scaling.calibration import StageCost
from scaling.capacity import Line, kept_days, needs
from scaling.costs import Costs, DatabaseCosts, RecipeCosts, read_measured
from scaling.markdown import amount, in_bytes, table
from scaling.page import PAGE, filled
from scaling.tables import BLOCKS

RECIPE = RecipeCosts(
    "commutator",
    {"client": 1.0, "gateway": 14.0, "preprocessing": 7.0, "decision": 3.5, "triton": 140.0},
    {"frame": 100e3, "tensor": 700e3, "model_mask": 40e3, "mask": 10e3, "document": 2e3, "stored": 125e3},
)
COSTS = Costs({"commutator": RECIPE}, DatabaseCosts(core_ms=0.7, kept_bytes=4e3, passing_bytes=2e3))
LINE = Line()


def test_needs_of_ten_lines() -> None:
    """40 frames/s, by hand: 40 × 14 ms ÷ 0.7 is 0.8 gateways, 40 × 140 ms ÷ 0.7 is 8 cores, and so on."""
    needed = needs(10, LINE, RECIPE, COSTS, gpu_ms=None)
    assert (needed.frames_per_s, needed.gateways, needed.preprocessings, needed.decisions) == (40, 1, 1, 1)
    assert (needed.triton_cores, needed.gpus, needed.database_cores) == (8, 0, 1)
    assert needed.ingress_gbit_s == pytest.approx(40 * 100e3 * 8 / 1e9)
    assert needed.inside_gbit_s == pytest.approx(40 * (100e3 + 3 * 700e3 + 40e3 + 10e3 + 125e3 + 2e3) * 8 / 1e9)
    assert needed.rows_a_year == 40 * 3_600 * 6_000
    assert needed.database_bytes_a_year == needed.rows_a_year * 4e3
    assert needed.archive_bytes == pytest.approx(needed.rows_a_year / 365 * (0.975 * 30 + 0.025 * 365) * 125e3)


@pytest.mark.parametrize(("lines", "gpus"), [(1, 1), (35, 1), (36, 2), (350, 10)])
def test_gpus_are_no_busier_than_they_should_be(lines: int, gpus: int) -> None:
    """At 5 ms a frame one GPU carries 140 frames/s at 70 %: 35 lines."""
    needed = needs(lines, LINE, RECIPE, COSTS, gpu_ms=5.0)
    assert (needed.gpus, needed.triton_cores) == (gpus, 0)


@pytest.mark.parametrize(("one_in", "days"), [(1, 38.375), (100, 9.4175), (0, 9.125)])
def test_pictures_are_kept_as_the_settings_say(one_in: int, days: float) -> None:
    """97.5 % for 30 days, of one good part in so many, and 2.5 % for 365."""
    assert kept_days(replace(LINE, keep_ok_one_in=one_in)) == pytest.approx(days)


def test_bounds_are_those_of_the_manifests() -> None:
    """Four GPUs, eight gateways: as many as the autoscalers allow, the first to be full first."""
    most = most_replicas()
    bounds = plant_bounds(LINE, RECIPE, COSTS, gpu_ms=5.0)
    at = {bound.what: bound.frames_per_s for bound in bounds}
    assert at[f"{most['triton']} GPUs"] == pytest.approx(most["triton"] * 140)
    assert at[f"{most['gateway']} gateways"] == pytest.approx(most["gateway"] * 50)
    assert list(at.values()) == sorted(at.values())


def test_an_installation_needs_no_more_than_its_bounds_say() -> None:
    """At the lines that a bound carries, the needs are within it; with one more they are not."""
    most = most_replicas()["gateway"]
    (bound,) = (each for each in plant_bounds(LINE, RECIPE, COSTS, gpu_ms=5.0) if each.what.endswith(" gateways"))
    within, beyond = (needs(bound.lines(LINE) + more, LINE, RECIPE, COSTS, gpu_ms=5.0) for more in (0, 1))
    assert within.gateways <= most < beyond.gateways


@pytest.mark.parametrize(
    ("work_s", "wall_s", "expected"),
    [
        (0.02, 0.10, StageCost(0.2, 1.0, 0.8)),
        (0.10, 0.10, StageCost(1.0, 1.0, 0.0)),
        (0.15, 0.10, StageCost(1.5, 1.5, 0.0)),
    ],
    ids=["mostly waiting", "one core", "several cores"],
)
def test_a_stage_is_work_and_delay(work_s: float, wall_s: float, expected: StageCost) -> None:
    """What is more than the work is delay; work in less time than it takes one core was done by several."""
    told = StageCost.of(work_s, wall_s)
    assert (told.work, told.threads, told.delay) == pytest.approx((expected.work, expected.threads, expected.delay))


def test_the_page_is_what_the_command_prints() -> None:
    """The tables of docs/scaling.md follow from docs/scaling/measured.json, which stands beside it."""
    page = PAGE.read_text("utf-8")
    assert filled(page, read_measured()) == page


def test_a_page_without_a_block_is_refused() -> None:
    """Whoever moves a table learns which one is missing."""
    with pytest.raises(ValueError, match="scaling: costs"):
        filled("# Scaling", read_measured())


def test_the_page_shows_the_figure() -> None:
    """The figure is there."""
    assert (Path("docs") / "scaling/p95.svg").read_text("utf-8").startswith("<?xml")


@pytest.mark.parametrize("name", list(BLOCKS))
def test_each_table_has_cells_for_all_headings(name: str) -> None:
    """No row is longer or shorter than its head."""
    lines = BLOCKS[name](read_measured()).splitlines()
    assert {line.count(" | ") for line in lines} == {lines[0].count(" | ")}


@pytest.mark.parametrize(
    ("value", "expected"), [(0, "0"), (0.042, "0.042"), (3.44, "3.4"), (86.4, "86"), (12_345, "12,000"), (0.996, "1.0")]
)
def test_numbers_have_two_digits_that_count(value: float, expected: str) -> None:
    """Neither 0.0421 nor 12,345: the model is not that sharp."""
    assert amount(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(12, "12 B"), (3_370, "3.4 kB"), (2.3e15, "2.3 PB")])
def test_bytes_have_their_unit(value: float, expected: str) -> None:
    """Powers of a thousand."""
    assert in_bytes(value) == expected


def test_columns_of_numbers_are_aligned_to_the_right() -> None:
    """The first column never is."""
    assert table(("a", "b", "c"), [("1", "2", "x")]).splitlines()[1] == "| --- | ---: | --- |"
