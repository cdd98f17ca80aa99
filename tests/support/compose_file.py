"""docker-compose.yml as Compose reads it: anchors merged, variables put in, without Docker."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
UNITS = {"b": 1, "k": 2**10, "kb": 2**10, "m": 2**20, "mb": 2**20, "g": 2**30, "gb": 2**30}

Description = dict[str, Any]


def variables() -> dict[str, str]:
    """What .env sets."""
    return dict(re.findall(r"^(\w+)=(.*)$", (ROOT / ".env").read_text("utf-8"), re.MULTILINE))


def variables_asked_for() -> set[str]:
    """What docker-compose.yml asks for; every one without a default of its own."""
    return set(re.findall(r"(?<!\$)\$\{(\w+)\}", (ROOT / "docker-compose.yml").read_text("utf-8")))


@cache
def described() -> Description:
    """The whole file, with the variables of .env."""
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    values = variables()
    filled = re.sub(r"(?<!\$)\$\{(\w+)\}", lambda found: values[found[1]], text)
    told: Description = yaml.safe_load(filled)
    return told


def services() -> Mapping[str, Description]:
    """All services, of every profile."""
    found: Mapping[str, Description] = described()["services"]
    return found


def ends(service: str) -> bool:
    """Whether it is a job, which ends by itself, and no service that stays."""
    return bool(services()[service]["restart"] == "no")


def settings(service: str) -> dict[str, str]:
    """Its environment, as the container has it."""
    return {name: str(value) for name, value in services()[service].get("environment", {}).items()}


def mounts(service: str) -> list[tuple[str, str]]:
    """What it mounts, (here, there), volumes by their names."""
    pairs = (volume.split(":") for volume in services()[service].get("volumes", []))
    return [(here, there) for here, there, *_ in pairs]


def size(text: str) -> int:
    """Bytes, of `2g` or `128mb`."""
    number, unit = re.fullmatch(r"(\d+)([a-z]+)", text).groups()  # type: ignore[union-attr]  # else the test fails
    return int(number) * UNITS[unit]


def seconds(text: str) -> float:
    """Seconds, of `30s`."""
    return float(text.removesuffix("s"))
