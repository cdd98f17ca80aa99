"""Building the variants of decision of the settings: connected, and let go of when the gateway stops."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import grpc
from prometheus_client import CollectorRegistry

from flawgate_gateway.clients import DecisionClient, is_serving
from flawgate_gateway.policies.book import PolicyBook
from flawgate_gateway.policies.in_force import RecipesInForce
from flawgate_gateway.ports import Observer, Preprocessor
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.settings import GatewaySettings
from flawgate_gateway.variant_observer import PrometheusVariantObserver
from flawgate_gateway.variants.canary import Canary, CanaryTerms
from flawgate_gateway.variants.judging import Judge
from flawgate_gateway.variants.observer import VariantObserver
from flawgate_gateway.variants.shadow import Shadow, ShadowTerms, Unmeasured

Serves = Callable[[], Awaitable[bool]]
Open = Callable[[str], grpc.aio.Channel]
"""Opens a channel to a target."""


@dataclass(frozen=True, slots=True)
class VariantParts:
    """What the variants share with the decision in force."""

    preprocessor: Preprocessor
    policies: PolicyBook
    observer: Observer
    counter: VariantObserver
    timeout_s: float
    """Longest call, in seconds; a frame's deadline is shorter, or as long."""


@dataclass(frozen=True, slots=True)
class Variants:
    """Those that there are."""

    canary: Canary | None
    shadow: Shadow | None
    serve: Mapping[str, Serves]
    """Name → says whether its decision serves."""


def create_variant_observer(settings: GatewaySettings, registry: CollectorRegistry) -> PrometheusVariantObserver:
    """Build what counts the variants that the settings name."""
    return PrometheusVariantObserver(
        registry, canary=settings.canary_decision is not None, shadow=settings.shadow_decision is not None
    )


async def open_variants(
    stack: AsyncExitStack, settings: GatewaySettings, channel_to: Open, parts: VariantParts
) -> Variants:
    """Open the variants that the settings name; none of them need be up."""
    targets = {"canary": settings.canary_decision, "shadow": settings.shadow_decision}
    channels = {
        name: await stack.enter_async_context(channel_to(target))
        for name, target in targets.items()
        if target is not None
    }
    canary = create_canary(settings, channels["canary"], parts) if "canary" in channels else None
    shadow = create_shadow(settings, channels["shadow"], parts) if "shadow" in channels else None
    if shadow is not None:
        stack.push_async_callback(shadow.close)
    return Variants(canary, shadow, {name: partial(is_serving, channel) for name, channel in channels.items()})


def create_canary(settings: GatewaySettings, channel: grpc.aio.Channel, parts: VariantParts) -> Canary:
    """Build the canary over a channel to its decision."""
    # The further try is that of the one in force: one that is away would keep a quarter of a second of each frame's.
    decider = DecisionClient(channel, timeout_s=parts.timeout_s, again=None)
    recipes = RecipeBook(decider, ttl_s=settings.recipe_ttl_s)
    in_force = RecipesInForce(recipes, parts.policies)
    judge = Judge(parts.preprocessor, decider, in_force, parts.observer)
    terms = CanaryTerms(settings.canary_share, settings.canary_timeout_s)
    return Canary(judge, recipes, in_force, parts.counter, terms)


def create_shadow(settings: GatewaySettings, channel: grpc.aio.Channel, parts: VariantParts) -> Shadow:
    """Build the shadow over a channel to its decision."""
    decider = DecisionClient(channel, timeout_s=parts.timeout_s)
    in_force = RecipesInForce(RecipeBook(decider, ttl_s=settings.recipe_ttl_s), parts.policies)
    terms = ShadowTerms(
        share=settings.shadow_share,
        max_frames=settings.shadow_max_frames,
        max_bytes=settings.shadow_max_bytes,
        timeout_s=settings.deadline_s,
    )
    return Shadow(Judge(parts.preprocessor, decider, in_force, Unmeasured()), in_force, parts.counter, terms)
