from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.faults import NO_OBJECT, invalid_parameter


class Order(BaseModel, extra="forbid"):
    """Fields with every kind of fault."""

    size: int = Field(1, ge=1)
    name: str = Field("a", max_length=3)
    kinds: list[Annotated[str, Field(pattern="^[a-z]$")]] = []
    when: str = "now"

    @field_validator("when")
    @classmethod
    def _now(cls, value: str) -> str:
        if value != "now":
            raise ValueError("say now")
        return value


def refused(said: Any) -> InvalidParameter:
    """What becomes of an order that is wrong."""
    with pytest.raises(ValidationError) as caught:
        Order.model_validate(said)
    return invalid_parameter(caught.value.errors())


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"size": 0}, "The field `size` must be greater than or equal to 1."),
        ({"name": "abcd"}, "The field `name` must have at most 3 characters."),
        ({"when": "then"}, "The field `when` is not as it must be: say now."),
        ({"kinds": ["a", "B"]}, "The field `kinds.1` is not written as it must be; /docs says how."),
        ({"sise": 1}, "There is no field `sise`; /docs lists those that there are."),
    ],
)
def test_a_fault_is_a_sentence_about_the_field(said: Any, sentence: str) -> None:
    """None of pydantic's own words for a caller who does not know it."""
    assert refused(said).message == sentence


def test_a_body_that_is_no_object_is_told_so() -> None:
    """Not a fault of a field without a name."""
    assert (refused("text").message, refused("text").metadata) == (NO_OBJECT, {})


@pytest.mark.parametrize(
    ("loc", "sentence", "field"),
    [
        (("query", "kinds", 0), "The field `kinds` is missing; send it in the query.", "kinds"),
        (("body", "items", 0), "The field `items.0` is missing; put it into the JSON of the body.", "items.0"),
        (("recipe",), "The field `recipe` is missing; send it as a form field or in the query.", "recipe"),
    ],
)
def test_a_missing_field_is_asked_for_where_it_belongs(loc: tuple[str | int, ...], sentence: str, field: str) -> None:
    """In the query, in the body's JSON, or as the door says; of a list in a body, the place in it too."""
    error = invalid_parameter([{"type": "missing", "loc": loc, "msg": "Field required"}])
    assert (error.message, error.metadata) == (sentence, {"field": field})
