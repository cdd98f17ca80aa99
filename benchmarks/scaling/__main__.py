"""Prints the tables of docs/scaling.md; `--write` takes over a new run, and writes page and figure.

PYTHONPATH=benchmarks python -m scaling [--write]
"""

import argparse

from scaling.costs import RUN, read_measured
from scaling.page import PAGE, take_over
from scaling.tables import BLOCKS


def main() -> None:
    """Print, or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"take over {RUN}, and write {PAGE} and its figure")
    if parser.parse_args().write:
        if not RUN.exists():
            parser.error(f"{RUN} is missing; run `make bench-scaling` first.")
        take_over(RUN)
    measured = read_measured()
    for name, told in BLOCKS.items():
        print(f"{name}\n\n{told(measured)}\n")


if __name__ == "__main__":
    main()
