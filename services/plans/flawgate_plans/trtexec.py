"""NVIDIA's `trtexec`: finds it, has it build an engine, and runs an engine on given inputs.

Its flags and files, for TensorRT 10 and 11: NVIDIA/TensorRT, samples/common/sampleOptions.cpp and sampleInference.cpp.
"""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import DeadlineExceeded, DiskFull, InvalidParameter, ModelFailure
from flawgate_plans.engine_shape import EngineShape
from flawgate_plans.pins import Version

Values = NDArray[Any]

PLACES = (Path("/usr/src/tensorrt/bin/trtexec"), Path("/opt/tensorrt/bin/trtexec"))
"""Where NVIDIA's images of Triton and of TensorRT keep it; neither is always on the PATH."""

_BANNER = re.compile(r"TensorRT v(\d+)\] \[b(\d+)\]")
_HELP_TIMEOUT_S = 60
_DUMP = re.compile(r"(?P<name>.+)\.output\.(?P<dims>\d+(?:\.\d+)*)\.(?P<type>[a-z0-9]+)\.raw")
_LAST_CHARACTERS = 400


def find(given: Path | None) -> Path:
    """The program.

    Args:
        given: where the user says it is.

    Raises:
        InvalidParameter: it is nowhere.
    """
    on_path = shutil.which("trtexec")
    places = [given] if given is not None else [*([Path(on_path)] if on_path else []), *PLACES]
    for place in places:
        if place.is_file():
            return place
    raise InvalidParameter(
        f"There is no trtexec ({', '.join(map(str, places))}); run this inside Triton's image, see docs/tensorrt.md, "
        "or name it with --trtexec.",
        {"field": "trtexec"},
    )


@dataclass(frozen=True)
class Trtexec:
    """The program on one GPU.

    Attributes:
        program: where it is.
        device: number of the GPU, in the order of the PCI bus.
        timeout_s: of each of its runs, in seconds.
    """

    program: Path
    device: int
    timeout_s: float

    def version(self) -> Version:
        """Of the TensorRT that it belongs to.

        Raises:
            InvalidParameter: it does not say.
        """
        output = _run([str(self.program), "--help"], Path.cwd(), _HELP_TIMEOUT_S)
        found = _BANNER.search(output)
        if found is None:
            raise InvalidParameter(
                f"{self.program} does not say which TensorRT it is of; is it NVIDIA's trtexec?", {"field": "trtexec"}
            )
        number, build = map(int, found.groups())
        return Version(number // 10_000, number // 100 % 100, number % 100, build)

    def build(self, onnx: Path, engine: Path, shape: EngineShape, timing_cache: Path, version: Version) -> float:
        """Build an engine, strongly typed: it computes with the types of the ONNX file and no others.

        Args:
            onnx: the typed graph.
            engine: where to write.
            shape: inputs and batches.
            timing_cache: how fast which kernel was; made where there is none, makes later builds quicker.
            version: of TensorRT: 11 knows only strong typing, 10 must be told.

        Returns:
            Seconds that it took.

        Raises:
            ModelFailure: TensorRT could not.
            DeadlineExceeded: it took longer than `timeout_s`.
            DiskFull: the engine found no space.
        """
        started = time.monotonic()
        arguments = [
            f"--onnx={onnx.resolve()}",
            f"--saveEngine={engine.resolve()}",
            *(["--stronglyTyped"] if version.major < 11 else []),
            f"--minShapes={shape.shapes(1)}",
            f"--optShapes={shape.shapes(shape.preferred_batch)}",
            f"--maxShapes={shape.shapes(shape.largest_batch)}",
            f"--timingCacheFile={timing_cache.resolve()}",
            "--skipInference",
        ]
        output = self._trtexec(arguments, engine.parent)
        if not engine.is_file() or engine.stat().st_size == 0:
            raise _failed("wrote no engine", output)
        return time.monotonic() - started

    def run(self, engine: Path, shape: EngineShape, inputs: Mapping[str, Values]) -> dict[str, Values]:
        """Run an engine once.

        Args:
            engine: that was built.
            shape: what it was built for.
            inputs: (n, ...) each, n at most the largest batch.

        Returns:
            Its outputs, (n, ...), float32, by name.

        Raises:
            ModelFailure: it could not, or an output is not float32.
            DeadlineExceeded: it took longer than `timeout_s`.
        """
        batch = len(next(iter(inputs.values())))
        # trtexec separates names and files by colons and commas, and writes into its working folder.
        with tempfile.TemporaryDirectory(prefix="flawgate-plans-") as folder:
            for name, values in inputs.items():
                np.ascontiguousarray(values).tofile(Path(folder) / f"{name}.bin")
            arguments = [
                f"--loadEngine={engine.resolve()}",
                f"--shapes={shape.shapes(batch)}",
                f"--loadInputs={','.join(f'{name}:{name}.bin' for name in inputs)}",
                "--iterations=1",
                "--warmUp=0",
                "--duration=0",
                "--dumpRawBindingsToFile",
            ]
            output = self._trtexec(arguments, Path(folder))
            return _outputs(Path(folder), output)

    def _trtexec(self, arguments: Sequence[str], folder: Path) -> str:
        return _run([str(self.program.resolve()), *arguments, f"--device={self.device}"], folder, self.timeout_s)


def _run(command: Sequence[str], folder: Path, timeout_s: float) -> str:
    """Its whole output."""
    # CUDA would count the fastest GPU first, nvidia-smi counts by the bus. From Ampere on, float32 would be computed as
    # TF32, with the digits of float16: further off than the golden frames of an fp32 recipe allow.
    environment = os.environ | {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "NVIDIA_TF32_OVERRIDE": "0"}
    try:
        done = subprocess.run(  # noqa: S603  # no shell
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as err:
        raise DeadlineExceeded(
            f"trtexec took longer than {timeout_s:g} s and was stopped; give it more with --timeout-s."
        ) from err
    except OSError as err:
        raise InvalidParameter(f"{command[0]} cannot be run: {err.strerror}.", {"field": "trtexec"}) from err
    if "No space left on device" in done.stdout:
        raise DiskFull("trtexec found no space for the engine; free some, and run this again.")
    if done.returncode != 0:
        raise _failed(f"ended with status {done.returncode}", done.stdout)
    return done.stdout


def _failed(how: str, output: str) -> ModelFailure:
    errors = [line.partition("[E] ")[2] for line in output.splitlines() if "[E] " in line]
    said = " / ".join(errors)[-_LAST_CHARACTERS:] or output.strip()[-_LAST_CHARACTERS:] or "nothing"
    return ModelFailure(f"trtexec {how}; it said: {said}")


def _outputs(folder: Path, said: str) -> dict[str, Values]:
    """Files `<name>.output.<dims>.<type>.raw`, e.g. `mask.output.1.1.176.64.fp32.raw`: bytes, row-major."""
    found = {}
    for path in folder.glob("*.output.*.raw"):
        parts = _DUMP.fullmatch(path.name)
        if parts is None or parts["type"] != "fp32":
            raise ModelFailure(f"trtexec wrote {path.name}, but every output of a model is fp32; export it again.")
        dims = tuple(map(int, parts["dims"].split(".")))
        values = np.fromfile(path, np.float32)
        if values.size != np.prod(dims):
            raise ModelFailure(f"trtexec wrote {path.name} with {values.size} numbers.")
        found[parts["name"]] = values.reshape(dims)
    if not found:
        raise _failed("wrote no outputs", said)
    return found
