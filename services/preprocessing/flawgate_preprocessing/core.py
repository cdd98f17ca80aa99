"""What a request brings, checked: the steps. What is done with them is `flawgate_imaging.preparing`. No gRPC here."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.steps import STEPS, Step


def read_steps(documents: Sequence[dict[str, Any]]) -> tuple[Step, ...]:
    """The steps that a request names.

    Raises:
        InvalidParameter: a step is unknown, or a parameter of it missing, unknown or out of range.
    """
    try:
        return STEPS.validate_python(documents)
    except ValidationError as err:
        fault = err.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise InvalidParameter(f"Step {place}: {fault['msg']}.", {"field": f"steps.{place}"}) from err
