"""Whether the environment says what a service understands: pydantic drops what no field has, without a word."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import ValidationError

from flawgate_contracts.checkup.findings import Check, Finding, Place, error, ok, warning
from flawgate_contracts.settings import ServiceSettings
from flawgate_contracts.startup import settings_sentence

_NO_PREFIX = "NONE\0"
"""No environment variable begins so."""

Settings = TypeVar("Settings", bound=ServiceSettings)


def settings_check(service: str, settings_class: type[ServiceSettings], place: Place) -> Check:
    """A check of the environment variables of a service.

    Args:
        service: its name.
        settings_class: what it is told at its start.
        place: knows the environment.
    """
    return Check("settings", service, lambda: _look(settings_class, place.environment(service)))


def settings_from(settings_class: type[Settings], environment: Mapping[str, str], **named: Any) -> Settings:
    """The settings that a service has in an environment, which need not be that of this process.

    Args:
        settings_class: of the service.
        environment: name → value.
        named: fields that count more than the environment.

    Raises:
        ValidationError: one of them is wrong.
    """
    prefix = _prefix(settings_class)
    upper = {name.upper(): value for name, value in environment.items()}
    fields = {name: f"{prefix}{name}".upper() for name in settings_class.model_fields}
    given = {name: upper[variable] for name, variable in fields.items() if variable in upper}
    return settings_class(_env_prefix=_NO_PREFIX, **{**given, **named})


def unknown(prefix: str, known: Iterable[str], environment: Mapping[str, str]) -> Iterator[Finding]:
    """A warning for each variable with that prefix that nobody reads; values are not told.

    Args:
        prefix: e.g. `GATEWAY_`.
        known: the variables that are read, upper case.
        environment: name → value.
    """
    candidates = sorted(known)
    for name in sorted(environment):
        if name.upper().startswith(prefix) and name.upper() not in candidates:
            near = get_close_matches(name.upper(), candidates, n=1)
            meant = f"Write {near[0]}, if that is meant; else unset it." if near else "Unset it, or correct its name."
            yield warning(f"Nobody reads {name}: there is no such setting.", meant, subject=name)


def _look(settings_class: type[ServiceSettings], environment: Mapping[str, str]) -> Iterator[Finding]:
    prefix = _prefix(settings_class)
    known = {f"{prefix}{name}".upper() for name in settings_class.model_fields}
    yield from unknown(prefix, known, environment)
    try:
        settings_from(settings_class, environment)
    except ValidationError as err:
        yield error(settings_sentence(settings_class, err), "Correct or unset them; the service does not start.")
        return
    count = sum(name.upper() in known for name in environment)
    if count:
        yield ok(f"{count} of {len(known)} variables {prefix}... are set, and understood.")
    else:
        yield ok(f"No variable {prefix}... is set; the defaults hold.")


def _prefix(settings_class: type[ServiceSettings]) -> str:
    return settings_class.model_config.get("env_prefix", "")
