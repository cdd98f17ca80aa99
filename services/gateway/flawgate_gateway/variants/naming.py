"""A variant that a request names, in the words that all doors share."""

from collections.abc import Callable, Sequence

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.answer import VARIANTS, Variant

VARIANT_HEADER = "Flawgate-Variant"
"""At the REST door; in small letters the metadata of a gRPC call."""


def named_variant(sent: Sequence[str], *, has_canary: bool, permit: Callable[[], None]) -> Variant | None:
    """The variant that is to judge; None where the request leaves it to the share.

    Args:
        sent: all values of the header, or the metadata.
        has_canary: whether this gateway has one.
        permit: raises where the caller may not name the canary; nobody needs leave to ask for what is in force.

    Raises:
        InvalidParameter: it is no variant, two are named, or the canary where there is none.
        PermissionDenied: the caller may not name the canary.
    """
    if not sent:
        return None
    found = next((variant for variant in VARIANTS if set(sent) == {variant}), None)
    if found is None:
        raise _invalid(f"`{VARIANT_HEADER}` must be one of {', '.join(f'`{variant}`' for variant in VARIANTS)}, once.")
    if found == "canary":
        permit()
        if not has_canary:
            raise _invalid(
                f"`{VARIANT_HEADER}` names the canary, and this gateway has none; leave it out, or set "
                "GATEWAY_CANARY_DECISION."
            )
    return found


def refuse_variant(sent: Sequence[str]) -> None:
    """Refuse a variant where none can be named.

    Raises:
        InvalidParameter: one is.
    """
    if sent:
        raise _invalid(f"`{VARIANT_HEADER}` cannot be named for a stream, whose frames go by the share; leave it out.")


def _invalid(sentence: str) -> InvalidParameter:
    return InvalidParameter(sentence, {"field": VARIANT_HEADER})
