import pytest

from flawgate_contracts.errors import InvalidParameter, PermissionDenied
from flawgate_gateway.variants.naming import named_variant, refuse_variant


def permitted() -> None:
    """Somebody who may name the canary."""


def denied() -> None:
    """Somebody who may not."""
    raise PermissionDenied("The key lacks the scope `policy`.")


@pytest.mark.parametrize(("sent", "named"), [([], None), (["stable"], "stable"), (["canary"], "canary")])
def test_a_variant_is_named_or_left_to_the_share(sent: list[str], named: str | None) -> None:
    """In small letters."""
    assert named_variant(sent, has_canary=True, permit=permitted) == named


@pytest.mark.parametrize("sent", [[""], ["shadow"], ["Canary"], ["canary", "stable"], ["canary, stable"]])
def test_what_is_no_variant_is_refused(sent: list[str]) -> None:
    """The shadow, too: nobody is answered by it."""
    with pytest.raises(InvalidParameter, match="`stable`, `canary`") as caught:
        named_variant(sent, has_canary=True, permit=permitted)
    assert caught.value.metadata == {"field": "Flawgate-Variant"}


def test_a_canary_that_is_not_there_is_refused() -> None:
    """Nobody takes the answer of what is in force for the canary's; what is in force can be named anywhere."""
    with pytest.raises(InvalidParameter, match="GATEWAY_CANARY_DECISION"):
        named_variant(["canary"], has_canary=False, permit=permitted)
    assert named_variant(["stable"], has_canary=False, permit=denied) == "stable"


def test_naming_the_canary_needs_leave() -> None:
    """Asked before whether there is one: who may not name it learns nothing of it."""
    with pytest.raises(PermissionDenied):
        named_variant(["canary"], has_canary=False, permit=denied)


def test_a_stream_names_none() -> None:
    """It is told so, instead of being judged by whatever comes."""
    refuse_variant([])
    with pytest.raises(InvalidParameter, match="stream"):
        refuse_variant(["stable"])
