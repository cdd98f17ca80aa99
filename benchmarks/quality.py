"""What it costs to measure a picture's own quality, beside decoding it: one thread, the same frames, in one run.

    python benchmarks/quality.py [--data KOLEKTOR_SDD_FOLDER]

Calls of both alternate; the median counts. Prints a table; needs no cluster.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
from cluster import encoded_frames
from rich.console import Console
from rich.table import Table

from flawgate_imaging import textures
from flawgate_imaging.decoding import decode
from flawgate_imaging.encoding import encode_jpeg, encode_png
from flawgate_imaging.quality import measure

ROUNDS = 5
LARGE = (3000, 4000)
"""Rows and columns of a frame of 12 megapixels."""


def large_frame() -> bytes:
    """A generated texture, enlarged, as JPEG."""
    pixels = textures.generate(0, size=1024).pixels
    return encode_jpeg(cv2.resize(pixels, LARGE[::-1]).astype(pixels.dtype), 95)


def milliseconds(work: Callable[[], object]) -> float:
    """Of one call."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


def row(files: Sequence[bytes]) -> tuple[str, float, float]:
    """Size of the frames, and the median milliseconds of decoding and of measuring one."""
    decoding, measuring = [], []
    for data in [*files] * ROUNDS:
        pixels = decode(data)
        decoding.append(milliseconds(partial(decode, data)))
        measuring.append(milliseconds(partial(measure, pixels)))
    return " × ".join(map(str, pixels.shape)), statistics.median(decoding), statistics.median(measuring)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of KolektorSDD")
    cv2.setNumThreads(1)
    frames = encoded_frames(parser.parse_args().data)
    grey = [decode(data) for data in frames]
    colour = [cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB).astype(pixels.dtype) for pixels in grey]
    kinds = {
        "grey JPEG": frames,
        "grey PNG": [encode_png(pixels) for pixels in grey],
        "RGB JPEG": [encode_jpeg(pixels, 95) for pixels in colour],
        "grey JPEG, 12 MP": [large_frame()],
    }
    table = Table(title="Measuring a picture ÷ decoding it, median ms of one thread", title_justify="left")
    for heading in ("", "pixels", "decode", "measure", "ratio"):
        table.add_column(heading, justify="right")
    for kind, files in kinds.items():
        size, decoding, measuring = row(files)
        table.add_row(kind, size, f"{decoding:.2f}", f"{measuring:.2f}", f"{measuring / decoding:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
