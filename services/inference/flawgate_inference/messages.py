"""What was decided, as proto: the parts that decision's answer and the agent's own inspections share."""

from collections.abc import Mapping

from flawgate.inspection.v1 import types_pb2
from flawgate_contracts.recipe import Recipe
from flawgate_imaging.defects import Defect
from flawgate_imaging.policy import Evaluation

EVALUATIONS: "Mapping[Evaluation, types_pb2.Evaluation.ValueType]" = {
    Evaluation.OK: types_pb2.EVALUATION_OK,
    Evaluation.NOT_OK: types_pb2.EVALUATION_NOT_OK,
    Evaluation.NOT_DECIDABLE: types_pb2.EVALUATION_NOT_DECIDABLE,
}


def defect_message(defect: Defect) -> types_pb2.Defect:
    """A defect, in pixels of the original frame."""
    box = defect.box
    return types_pb2.Defect(
        box=types_pb2.Box(x=box.x, y=box.y, width=box.width, height=box.height),
        area_px=defect.area_px,
        area_mm2=defect.area_mm2,
        peak=defect.peak,
        class_name=defect.class_name,
    )


def model_messages(recipe: Recipe) -> list[types_pb2.Model]:
    """The models of a recipe, in the order of their run."""
    return [types_pb2.Model(name=each.name, version=each.version, sha256=each.sha256) for each in recipe.models]
