"""A plant's records of 90 days: 20 stations, 10 recipes of 5 versions each, lots of 500 parts. No pictures."""

import hashlib
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from uuid_utils import uuid7

from flawgate_gateway.answer import Box, Defect, FrameFacts, Inspection, Links, ModelFacts
from flawgate_gateway.database.moments import from_us
from flawgate_gateway.records.rows import row_of

STATIONS, RECIPES, VERSIONS, LOT, DAYS = 20, 10, 5, 500, 90
FIRST_VERSION = 3
END_US = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()) * 1_000_000
SPAN_US = DAYS * 86_400 * 1_000_000
THRESHOLD = 0.9
SEED = 20261120

Row = dict[str, Any]


def station_of(number: int) -> str:
    """Where the record of a number was made: stations take turns."""
    return f"S{number % STATIONS + 1:02d}"


def recipe_of(number: int) -> str:
    """What it was inspected by: each recipe runs on two stations."""
    return f"recipe_{number % RECIPES:02d}"


def part_of(number: int) -> str:
    """Which part it is; three of a hundred come again, and one of those a third time."""
    again = {0: 20, 1: 20, 2: 20, 3: 23}.get(number % 100, 0)
    return f"SN-{number - again if number >= 100 else number:08d}"


def lot_of(number: int) -> str:
    """Which lot, of a station."""
    return f"{station_of(number)}-{number // STATIONS // LOT:05d}"


def work_order_of(number: int) -> str:
    """Which work order: four lots of each station of a recipe."""
    return f"WO-{number // STATIONS // (4 * LOT):06d}-{number % RECIPES}"


def rows(count: int) -> Iterator[Row]:
    """The records, the oldest first, evenly over the days."""
    drawn = random.Random(SEED)  # noqa: S311  # for the same plant in every run
    template = row_of(_inspection())
    document = json.loads(template["document"])
    for number in range(count):
        yield _row(template, document, number, count, drawn)


def evidence_of(row: Row) -> Row:
    """What is kept of its pictures."""
    return {
        "inspection_id": row["id"],
        "evaluation": row["evaluation"],
        "frame_sha256": row["frame_sha256"],
        "mask_sha256": hashlib.sha256(row["frame_sha256"].encode()).hexdigest(),
        "explanation_sha256": None,
        "document": "{}",
        "stored_bytes": 250_000,
        "keep_until_us": row["decided_at_us"] + SPAN_US,
        "purged_at_us": None,
    }


def _row(template: Row, document: Row, number: int, count: int, drawn: random.Random) -> Row:
    evaluation, reason, score = _judged(drawn)
    decided_at_us = END_US - SPAN_US + SPAN_US * number // count
    said = {
        "station": station_of(number),
        "part": part_of(number),
        "lot": lot_of(number),
        "work_order": work_order_of(number),
        "recipe": recipe_of(number),
        "recipe_version": str(FIRST_VERSION + VERSIONS * number // count),
        "evaluation": evaluation,
        "reason": reason,
        "score": score,
    }
    identity, digest = str(uuid7()), f"{drawn.getrandbits(256):064x}"
    moment = from_us(decided_at_us).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {**document, **said, "inspection_id": identity, "decided_at": moment, "received_at": moment}
    told["frame"] = {**document["frame"], "sha256": digest}
    return {
        **template,
        **said,
        "id": identity,
        "decided_at_us": decided_at_us,
        "received_at_us": decided_at_us - 120_000,
        "margin": score - THRESHOLD,
        "frame_sha256": digest,
        "document": json.dumps(told, separators=(",", ":")),
    }


def _judged(drawn: random.Random) -> tuple[str, str, float]:
    """Evaluation, reason and score: 0.5 % NOT_DECIDABLE, 3 % NOT_OK, 1 % within 0.1 of the threshold."""
    chance = drawn.random()
    if chance < 0.005:
        return "NOT_DECIDABLE", "SCORE_IN_GUARD_BAND", round(drawn.uniform(0.88, 0.92), 6)
    if chance < 0.035:
        return "NOT_OK", "SCORE_ABOVE_THRESHOLD", round(drawn.uniform(0.92, 0.95) if chance < 0.0075 else 0.9999, 6)
    return "OK", "SCORE_BELOW_THRESHOLD", round(drawn.uniform(0.82, 0.88) if chance < 0.0375 else 0.001, 6)


def _inspection() -> Inspection:
    identity = str(uuid7())
    return Inspection(
        plant="Novo mesto",
        line="L2",
        station="S01",
        camera="top",
        part="SN-1",
        lot="1",
        work_order="1",
        inspection_id=identity,
        recipe=recipe_of(0),
        recipe_version="3",
        policy_version="1",
        evaluation="OK",
        score=0.0,
        threshold=THRESHOLD,
        reason="SCORE_BELOW_THRESHOLD",
        probabilities=(),
        defects=(
            Defect(box=Box(x=212, y=640, width=31, height=12), area_px=204, area_mm2=0.51, peak=1, class_name="defect"),
        ),
        frame=FrameFacts(width=500, height=1263, sha256="0" * 64),
        models=tuple(ModelFacts(name=f"recipe_{kind}", version="3", sha256="0" * 64) for kind in ("seg", "cls")),
        request_id="0" * 32,
        trace_id="0" * 32,
        received_at=from_us(END_US),
        decided_at=from_us(END_US),
        service_version="0.1.0",
        policy={"version": "1", "threshold": 0.9, "guard_band": 0.0, "mask_threshold": 0.5, "min_defect_area_px": 1},
        preprocessing=({"op": "grey"}, {"op": "resize", "height": 1408, "width": 512, "interpolation": "linear"}),
        stage_scores={"segmentation": 0.998, "classification": 0.997134},
        stage_seconds=dict.fromkeys(("preprocess", "decode", "steps", "decide", "infer", "policy"), 0.012345),
        links=Links.of(identity, pictures=False, mask=False, overlay=False),
    )
