"""Fails where a serving image has outgrown its bound: `python scripts/check_image_sizes.py`, after `make images`.

The size is that of the unpacked image, base included, as `docker image inspect` tells it.
"""

# ruff: noqa: INP001, T201 - a script, run by its path, that prints

import subprocess
import sys
import tomllib
from pathlib import Path

MEGABYTE = 1_000_000

BOUNDS_MB = {"gateway": 350, "preprocessing": 350, "decision": 350}
"""Megabytes (10^6 bytes) that an image must stay below."""

SHOWN = (*BOUNDS_MB, "camera", "triton", "training")


def main() -> int:
    """Print the sizes of the images. Returns: 1 where one is missing or too large, else 0."""
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    sizes = {service: size_mb(f"flawgate/{service}:{project['version']}") for service in SHOWN}
    for service, size in sizes.items():
        print(f"{service:14} {'not built' if size is None else f'{size:.0f} MB'}")
    return 1 if faults(sizes) else 0


def size_mb(image: str) -> float | None:
    """Megabytes of an image; None where there is none of this name."""
    inspect = ["docker", "image", "inspect", "--format", "{{.Size}}", image]
    answer = subprocess.run(inspect, capture_output=True, text=True, check=False)  # noqa: S603 - docker, our own names
    return int(answer.stdout) / MEGABYTE if answer.returncode == 0 else None


def faults(sizes: dict[str, float | None]) -> list[str]:
    """What is wrong, a sentence for each image that has a bound; said on standard error, too."""
    sentences = []
    for service, bound in BOUNDS_MB.items():
        size = sizes[service]
        if size is None:
            sentences.append(f"There is no image of {service}: run `make images`.")
        elif size >= bound:
            sentences.append(f"The image of {service} has {size:.0f} MB; it must stay below {bound} MB.")
    print(*sentences, sep="\n", end="\n" if sentences else "", file=sys.stderr)
    return sentences


if __name__ == "__main__":
    sys.exit(main())
