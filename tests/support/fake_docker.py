#!/usr/bin/env python3
"""A `docker` that has every image, and notes what is asked of it in the file that FAKE_DOCKER_LOG names.

An image is saved as its own name; what is loaded is shown.
"""

# ruff: noqa: T201 - it is a program

import gzip
import os
import re
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Answer what scripts/ ask. Returns: the exit status."""
    with Path(os.environ["FAKE_DOCKER_LOG"]).open("a", encoding="utf-8") as log:
        print(*arguments, file=log)
    match arguments:
        case ["compose", "config", "--images"]:
            print("flawgate/gateway:0.1.0\npostgres:18.6-bookworm\nflawgate/gateway:0.1.0")
        case ["compose", "config", "--services"]:
            print("gateway\npostgres")
        case ["image", "inspect", _]:
            pass
        case ["save", image]:
            print(image)
        case ["load", "--quiet", "--input", archive] if re.fullmatch(r"images/\S+\.tar\.gz", archive):
            print(f"Loaded image: {gzip.decompress(Path(archive).read_bytes()).decode('utf-8').strip()}")
        case _:
            print(f"unknown to the fake: {arguments}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
