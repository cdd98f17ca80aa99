"""Stands in for NVIDIA's trtexec: takes the flags that it takes and no others.

It "builds" an engine by copying the ONNX file, and "runs" it by ONNX Runtime on the CPU, writing what trtexec writes.
`behaviour.json` beside it says how to fail; `calls.jsonl` beside it keeps the arguments of every call.
"""

# ruff: noqa: PLC0415 - only a run needs numpy and ONNX Runtime, and they take long to import

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

SWITCHES = {"--help", "--skipInference", "--dumpRawBindingsToFile"}
VALUED = {
    "--onnx",
    "--saveEngine",
    "--minShapes",
    "--optShapes",
    "--maxShapes",
    "--timingCacheFile",
    "--device",
    "--loadEngine",
    "--shapes",
    "--loadInputs",
    "--iterations",
    "--warmUp",
    "--duration",
}


def main() -> int:
    """Do as the arguments say; gives the exit status."""
    behaviour = json.loads((HERE / "behaviour.json").read_text("utf-8"))
    with (HERE / "calls.jsonl").open("a", encoding="utf-8") as calls:
        calls.write(json.dumps(sys.argv[1:]) + "\n")
    major, minor, patch, build = behaviour["version"]
    number = major * 10_000 + minor * 100 + patch
    _say(f"&&&& RUNNING TensorRT.trtexec [TensorRT v{number}] [b{build}] # {' '.join(sys.argv)}")
    switches = SWITCHES | ({"--stronglyTyped"} if major == 10 else set())
    options = {}
    for argument in sys.argv[1:]:
        name, _, value = argument.partition("=")
        if not (argument in switches or (name in VALUED and value)):
            _say(f"[01/01/2026-00:00:00] [E] Unknown option: {argument}")
            return 1
        options[name] = value
    if "--help" in options:
        return 0
    assert os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert os.environ["NVIDIA_TF32_OVERRIDE"] == "0"
    return _build(options, behaviour["mode"]) if "--onnx" in options else _run(options, behaviour["mode"])


def _build(options: dict[str, str], mode: str) -> int:
    data, engine = Path(options["--onnx"]).read_bytes(), Path(options["--saveEngine"])
    match mode:
        case "crash":
            _say("[01/01/2026-00:00:00] [E] Error[9]: no implementation for node conv_1")
            return 1
        case "slow" | "stuck":
            engine.write_bytes(data[: len(data) // 2])
            _wait_for_the_parents_end()
        case "full":
            engine.write_bytes(data[: len(data) // 2])
            _say("[01/01/2026-00:00:00] [E] Saving engine to file failed: No space left on device")
            return 1
        case "nothing":
            _say("[01/01/2026-00:00:00] [I] Engine built in 0 sec.")
            return 0
    with Path(options["--timingCacheFile"]).open("ab") as cache:
        cache.write(b"t")
    engine.write_bytes(data)
    return 0


def _run(options: dict[str, str], mode: str) -> int:
    import numpy as np
    import onnxruntime

    assert {"--iterations": "1", "--warmUp": "0", "--duration": "0"}.items() <= options.items()
    assert "--dumpRawBindingsToFile" in options
    session = onnxruntime.InferenceSession(options["--loadEngine"], providers=["CPUExecutionProvider"])
    shapes = _pairs(options["--shapes"])
    types = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}
    feed: dict[str, Any] = {}
    for name, file in _pairs(options["--loadInputs"]).items():
        dtype = next(types[value.type] for value in session.get_inputs() if value.name == name)
        feed[name] = np.fromfile(file, dtype).reshape([int(side) for side in shapes[name].split("x")])
    names = [value.name for value in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, feed), strict=True))
    for name, values in outputs.items():
        answers = {"wrong": 1 - values, "shifted": values * 0.9, "no number": values * np.nan}
        dims = ".".join(map(str, values.shape))
        np.asarray(answers.get(mode, values), np.float32).tofile(f"{name}.output.{dims}.fp32.raw")
    for name, values in feed.items():
        values.tofile(f"{name}.input.{'.'.join(map(str, values.shape))}.{values.dtype}.raw")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.rsplit(":", 1) for pair in text.split(","))


def _wait_for_the_parents_end() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
