"""The header `Flawgate-Variant`: which decision service is to judge."""

from functools import partial

from fastapi import Request

from flawgate_gateway.access.caller import Caller, Scope
from flawgate_gateway.answer import Variant
from flawgate_gateway.variants.naming import VARIANT_HEADER, named_variant


def read_variant(request: Request, caller: Caller, *, has_canary: bool) -> Variant | None:
    """The variant that a request names; None where it names none.

    Raises:
        InvalidParameter: it is none, or the canary where there is none.
        PermissionDenied: the caller may not name the canary.
    """
    permit = partial(request.state.gate.permit, caller, Scope.POLICY)
    return named_variant(request.headers.getlist(VARIANT_HEADER), has_canary=has_canary, permit=permit)
