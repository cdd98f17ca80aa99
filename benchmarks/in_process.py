"""The yardstick: decode, steps and the recipe's ONNX graphs with ONNX Runtime in one process, nothing else.

Run as a process of its own by `cluster.py`: takes commands on standard input, one JSON object a line, and answers each
with one line.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime

from flawgate_contracts.steps import STEPS, Step
from flawgate_imaging import decoding, pipeline


class InProcess:
    """Both graphs of a cascade, opened once."""

    def __init__(self, segmentation: Path, classification: Path, threads: int) -> None:
        self._seg = _session(segmentation, threads)
        self._cls = _session(classification, threads)

    def inspect(self, data: bytes, steps: tuple[Step, ...]) -> float:
        """The score of one encoded frame."""
        tensor = pipeline.to_tensor(pipeline.apply(decoding.decode(data), steps).pixels)
        _mask, features = self._seg.run(["mask", "features"], {"frame": tensor[np.newaxis]})
        (score,) = self._cls.run(["score"], {"features": features})
        return float(score[0, 0])


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def latencies(models: InProcess, frames: list[bytes], steps: tuple[Step, ...]) -> list[float]:
    """Seconds of each frame, one after the other."""
    seconds = []
    for data in frames:
        started = time.perf_counter()
        models.inspect(data, steps)
        seconds.append(time.perf_counter() - started)
    return seconds


def throughput(models: InProcess, frames: list[bytes], steps: tuple[Step, ...], workers: int) -> float:
    """Frames per second of `workers` threads."""
    started = time.perf_counter()
    with ThreadPoolExecutor(workers) as executor:
        list(executor.map(lambda data: models.inspect(data, steps), frames))
    return len(frames) / (time.perf_counter() - started)


def main() -> None:
    """Serve `cluster.py`: arguments are the two graphs, the steps as JSON, the cores and the frames' files."""
    segmentation, classification, steps_json, cores, *files = sys.argv[1:]
    graphs = Path(segmentation), Path(classification)
    steps = STEPS.validate_json(steps_json)
    frames = [Path(file).read_bytes() for file in files]
    # One call on all cores answers a frame soonest; a call on each core may answer more of them.
    wide = InProcess(*graphs, int(cores))
    narrow = InProcess(*graphs, 1)
    latencies(wide, frames[:3], steps)
    latencies(narrow, frames[:3], steps)
    for line in sys.stdin:
        kind = json.loads(line)
        if kind == "latency":
            answer: object = latencies(wide, frames, steps)
        else:
            answer = {
                "one call on all cores": throughput(wide, [*frames, *frames], steps, 1),
                "two calls on all cores": throughput(wide, [*frames, *frames], steps, 2),
                "one call on each core": throughput(narrow, [*frames, *frames], steps, int(cores)),
            }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
