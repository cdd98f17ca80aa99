"""The frames that a run judged wrongly, looked at once more: what the map showed, and pictures beside the run."""

import base64
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import InvalidDataset, InvalidParameter
from flawgate_contracts.repository.files import write_whole
from flawgate_imaging.decoding import decode
from flawgate_imaging.encoding import encode_png
from flawgate_training import runs
from flawgate_training.evaluation.figures import Report
from flawgate_training.evaluation.inference import Judge, evaluating
from flawgate_training.evaluation.predictions import Judged, Prediction
from flawgate_training.evaluation.reporting import threshold_of
from flawgate_training.experiment.schema import Task
from flawgate_training.report.pictures import Panel
from flawgate_training.report.views import Viewer
from flawgate_training.studies.results import Seen, WrongFrame
from flawgate_training.studies.verdicts import verdict
from flawgate_training.tasks import data as frames_of

_log = logging.getLogger(__name__)

LOOKED_AT = 24
"""Of the wrong frames of one run, those furthest on the wrong side; the rest are listed with their scores."""

_GAP_PX = 6


@dataclass(frozen=True)
class Place:
    """Where the pictures of a run's wrong frames go, and where its frames lie.

    Attributes:
        pictures: folder of the pictures.
        prefix: of their names.
        data: folder of the data set; where the run found it, where None.
    """

    pictures: Path
    prefix: str
    data: Path | None


@dataclass(frozen=True)
class _Wrong:
    prediction: Prediction
    threshold: float
    folder: Path

    @property
    def margin(self) -> float:
        return abs(self.prediction.score - self.threshold)


def wrong_frames(report: Report, folders: Sequence[Path], place: Place, task: Task) -> tuple[WrongFrame, ...]:
    """Every frame that a report counts as wrong, the worst first.

    Args:
        report: of one run, or pooled over folds.
        folders: of the run, or of every fold.
        place: where pictures go, and where frames lie.
        task: of the network.

    Raises:
        DiskFull: no space is left for a picture.
    """
    names = {frame.name for frame in report.pooled.wrong} if report.pooled else set()
    found = [each for folder in folders for each in _of_one(folder, names)]
    found.sort(key=lambda each: (-each.margin, each.prediction.name))
    for old in place.pictures.glob(f"{place.prefix}_*.png"):
        old.unlink()
    seen: dict[str, Seen] = {}
    for folder in folders:
        mine = [each for each in found[:LOOKED_AT] if each.folder == folder]
        seen |= _looked_at(folder, mine, place) if mine else {}
    return tuple(_told(each, task, seen.get(each.prediction.name)) for each in found)


def _of_one(folder: Path, names: set[str]) -> list[_Wrong]:
    judged = Judged.load(folder)
    return [_Wrong(each, threshold_of(judged), folder) for each in judged.test if each.name in names]


def _told(wrong: _Wrong, task: Task, seen: Seen | None) -> WrongFrame:
    frame = wrong.prediction
    return WrongFrame(
        name=frame.name,
        defective=frame.defective,
        score=frame.score,
        threshold=wrong.threshold,
        seen=seen,
        verdict=verdict(task, defective=frame.defective, threshold=wrong.threshold, seen=seen),
    )


def _looked_at(folder: Path, frames: Sequence[_Wrong], place: Place) -> dict[str, Seen]:
    """What the maps of one run's frames show, by name, and their pictures; none where the frames are not at hand."""
    run = runs.load(folder)
    try:
        test = frames_of.again(run.experiment, folder, place.data).test
    except (InvalidParameter, InvalidDataset) as err:
        _log.warning("The wrong frames of %s are listed, but not looked at: %s", folder, err.message)
        return {}
    viewer, numbers = Viewer(run, test, frames[0].threshold), {item.name: at for at, item in enumerate(test.items)}
    found: dict[str, Seen] = {}
    with evaluating(run.network):
        judge = Judge(run.network, run.experiment, run.classes)
        for each in frames:
            number = numbers[each.prediction.name]
            heat = judge.judge(test[number].pixels).defect_map
            if heat is not None:
                marked = test.items[number].source.read().mask
                found[each.prediction.name] = look(heat, test[number].mask > 0, marked)
            _draw(viewer, each.prediction, place)
    return found


def look(heat: NDArray[np.float32], label: NDArray[np.bool_], marked: NDArray[np.uint8] | None) -> Seen:
    """What a map shows within and outside of a label.

    Args:
        heat: (H, W), float32, 0–1.
        label: (H, W): where a defect is, as learned.
        marked: (h, w), uint8, the label as drawn on the original frame, 0 where nothing is wrong; None: there is none.
    """
    return Seen(
        defect_px=0 if marked is None else int(np.count_nonzero(marked)),
        inside=_peak(heat[label]),
        outside=_peak(heat[~label]),
    )


def _peak(values: NDArray[np.float32]) -> float | None:
    return round(float(values.max()), 4) if values.size else None


def _draw(viewer: Viewer, prediction: Prediction, place: Place) -> None:
    """The panels of the report page, side by side, as one PNG."""
    place.pictures.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", f"{place.prefix}_{prediction.name}")
    write_whole(place.pictures / f"{name}.png", encode_png(_beside(viewer.view(prediction).panels)))


def _beside(panels: Sequence[Panel]) -> NDArray[np.uint8]:
    drawn = [decode(base64.b64decode(panel.source.partition(",")[2])) for panel in panels]
    height = max(picture.shape[0] for picture in drawn)
    padded = [
        np.pad(picture, ((0, height - picture.shape[0]), (0, _GAP_PX), (0, 0)), constant_values=255)
        for picture in drawn
    ]
    return np.ascontiguousarray(np.concatenate(padded, axis=1))
