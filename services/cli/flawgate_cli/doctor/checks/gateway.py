"""The gateway, asked over its REST door: does it live, is it ready, its recipes, its sinks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from flawgate_cli.doctor.scope import DOWN, Scope
from flawgate_contracts.checkup.findings import Check, Finding, error, ok, skipped, warning

KEY = "The gateway asks for an API key with the scope `read`: name its file with --key-file, or set FLAWGATE_API_KEY."
STALE_S = 7200.0
"""Twice the longest time between two checks of golden frames that can be set, in seconds."""
OLD_S = 300.0
"""An event that waits longer than this, in seconds, is not delivered as it should be."""

ANSWERS = "answers"

Look = Callable[[httpx.Client], Iterable[Finding]]


def checks(scope: Scope) -> Sequence[Check]:
    """Of a gateway, wherever it is."""
    looks: dict[str, Look] = {ANSWERS: _live, "ready": _ready, "recipes": _recipes, "sinks": _sinks}
    return [Check("gateway", name, _bound(scope, name, look)) for name, look in looks.items()]


def asked(client: httpx.Client, path: str) -> Any:
    """The JSON that the gateway answers.

    Raises:
        httpx.HTTPError: it does not answer, or with an error.
        ValueError: its answer is no JSON.
    """
    return client.get(path).raise_for_status().json()


def _bound(scope: Scope, name: str, look: Look) -> Callable[[], Iterable[Finding]]:
    def carry_out() -> Iterator[Finding]:
        if not scope.running:
            yield skipped(DOWN)
            return
        try:
            with scope.client() as client:
                yield from look(client)
        except httpx.HTTPStatusError as err:
            yield _refused(err)
        except httpx.TransportError as err:
            # Said once: that it is not reached has one reason.
            yield _unreached(scope, err) if name == ANSWERS else skipped(f"The gateway is not reached (see {ANSWERS}).")
        except (ValueError, KeyError, TypeError, AttributeError):
            yield error(f"What answers at {scope.gateway} is no gateway of this version.", "Check URL and version.")

    return carry_out


def _refused(err: httpx.HTTPStatusError) -> Finding:
    status = err.response.status_code
    if status in (401, 403):
        return skipped(KEY)
    says = f"The gateway answered {status} to {err.request.url.path}."
    return error(says, "Its log says why; ask for the request's id in the header x-request-id.")


def _unreached(scope: Scope, err: httpx.TransportError) -> Finding:
    if "CERTIFICATE_VERIFY_FAILED" in str(err):
        says = f"The certificate of {scope.gateway} is not trusted here."
        return error(says, "Name the factory's roots with --ca-file, or renew it (see certificates).")
    why = "did not answer in time" if isinstance(err, httpx.TimeoutException) else "cannot be reached"
    here = "See ports; the gateway's lines in the log say why it ended."
    there = "Check the URL, whether the network leads there, and the gateway's log on its machine."
    return error(f"{scope.gateway} {why}.", there if scope.elsewhere else here)


def _live(client: httpx.Client) -> Iterator[Finding]:
    answer = client.get("/livez").raise_for_status()
    if answer.json()["live"] is not True:
        raise ValueError
    yield ok(f"It answers at {client.base_url} within {answer.elapsed.total_seconds() * 1000:.0f} ms.")


def _ready(client: httpx.Client) -> Iterator[Finding]:
    facts = client.get("/readyz").json()
    for name, is_ready in sorted(facts["services"].items()):
        if is_ready:
            yield ok("It is ready.", subject=name)
        else:
            yield error(f"{name} is not ready, so no frame can be inspected.", _look_at(name), subject=name)
    if facts["stopping"]:
        yield warning("The gateway is stopping.", "Wait until it has started again.")


def _look_at(service: str) -> str:
    places = {
        "decision": "See triton, models and the recipes here; decision's log says which recipe fails.",
        "preprocessing": "See ports and metrics: where it holds its port and gives no metrics, it hangs; restart it.",
        "records": "See database.",
        "archive": "See disk; the gateway's log says what failed.",
    }
    return places.get(service, "Its log says why.")


def _recipes(client: httpx.Client) -> Iterator[Finding]:
    recipes = asked(client, "/v1/recipes")["recipes"]
    if not recipes:
        yield error("There is no recipe, so nothing can be inspected.", "`flawgate export` writes one; see models.")
    for recipe in recipes:
        yield _recipe(recipe, recipe.get("golden"))


def _recipe(recipe: dict[str, Any], golden: dict[str, Any] | None) -> Finding:
    name, state, detail = recipe["name"], recipe["state"], str(recipe.get("detail") or "").rstrip(".")
    if state == "UNTRUSTED":
        says = f"It is not to be trusted, so every part is NOT_DECIDABLE: {detail}."
        return error(
            says, "See models; docs/runbooks/FlawgateGoldenCheckFailed.md has the likely causes.", subject=name
        )
    if state != "READY":
        return error(f"It is {state}: {detail}.", "See models and triton; decision's log says more.", subject=name)
    version = f"Version {recipe['version']} is ready"
    if golden is None:
        return ok(f"{version}; no golden frame is at hand, so it is proved by a grey frame only.", subject=name)
    age_s = (datetime.now(UTC) - datetime.fromisoformat(golden["checked_at"])).total_seconds()
    if age_s > STALE_S:
        says = f"{version}, but its golden frames were last checked {age_s / 3600:.0f} h ago."
        return warning(says, "Decision's log says why; compare this machine's clock with its.", subject=name)
    missing = f", {golden['missing']} not at hand" if golden["missing"] else ""
    frames = "frame" if golden["passed"] == 1 else "frames"
    return ok(f"{version}; {golden['passed']} golden {frames} passed {age_s:.0f} s ago{missing}.", subject=name)


def _sinks(client: httpx.Client) -> Iterator[Finding]:
    sinks = asked(client, "/v1/sinks")["sinks"]
    if not sinks:
        yield skipped("Events are delivered to nobody.")
    for sink in sinks:
        yield _sink(sink)


def _sink(sink: dict[str, Any]) -> Finding:
    name, why = sink["name"], sink["last_error"] or "no reason is known"
    if sink["dead"]:
        says = f"{sink['dead']} events were given up: {why}."
        return warning(says, f"Mend the sink, then `flawgate outbox replay {name}` brings them.", subject=name)
    waits = f"{sink['pending']} events wait, the oldest for {sink['oldest_age_s']:.0f} s"
    if sink["oldest_age_s"] > OLD_S:
        return warning(f"{waits}: {why}.", "Mend the sink; they are delivered by themselves then.", subject=name)
    return ok(f"{waits}." if sink["pending"] else "All events are delivered.", subject=name)
