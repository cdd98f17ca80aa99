"""Stands in for nvidia-smi: answers the one question that it is asked, for GPU 0; `gpu.txt` beside it is the answer."""

import sys
from pathlib import Path

QUESTION = ["--id=0", "--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader"]

if sys.argv[1:] != QUESTION:
    sys.stdout.write("No devices were found\n")
    sys.exit(6)
sys.stdout.write((Path(__file__).parent / "gpu.txt").read_text("utf-8"))
