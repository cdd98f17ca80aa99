"""The gRPC door: proto to a call, the answer to proto."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from google.protobuf.json_format import MessageToDict

from flawgate.inspection.v1 import types_pb2
from flawgate.preprocessing.v1 import preprocessing_pb2 as pb
from flawgate.preprocessing.v1 import preprocessing_pb2_grpc
from flawgate_contracts.errors import EmptyFrame
from flawgate_contracts.interceptors import Context
from flawgate_contracts.metrics.serving import StageMetrics
from flawgate_contracts.tracing import past_span
from flawgate_imaging.decoding import Limits
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.preparing import PreparedTensor, RawFrame, prepare
from flawgate_imaging.quality import Measures
from flawgate_preprocessing.core import read_steps


class PreprocessingServicer(preprocessing_pb2_grpc.PreprocessingServiceServicer):
    """Runs the work in threads: OpenCV lets go of Python's lock, and the event loop stays free."""

    def __init__(self, limits: Limits, executor: Executor, stages: StageMetrics) -> None:
        self._limits = limits
        self._executor = executor
        self._stages = stages

    async def Preprocess(self, request: pb.PreprocessRequest, context: Context) -> pb.PreprocessResponse:
        """See the proto."""
        steps = read_steps([MessageToDict(step) for step in request.steps])
        work = partial(prepare, _frame(request), steps, self._limits, measure_quality=request.measure_quality)
        worked = await asyncio.get_running_loop().run_in_executor(self._executor, _timed, work)
        self._tell(worked)
        return _response(worked.prepared)

    def _tell(self, worked: "_Worked") -> None:
        """Count the stages, and put them in the trace: the thread in which they ran knows nothing of the request."""
        decode_s, steps_s = worked.prepared.decode_seconds, worked.prepared.steps_seconds
        self._stages.observe("decode", decode_s)
        self._stages.observe("steps", steps_s)
        past_span("decode", start_ns=worked.began_ns, seconds=decode_s)
        past_span("steps", start_ns=worked.ended_ns - round(steps_s * 1e9), seconds=steps_s)


@dataclass(frozen=True, slots=True)
class _Worked:
    """What came of the work of a thread, and when it did it, by `time.time_ns()`."""

    began_ns: int
    ended_ns: int
    prepared: PreparedTensor


def _timed(work: Callable[[], PreparedTensor]) -> _Worked:
    began_ns = time.time_ns()
    prepared = work()
    return _Worked(began_ns, time.time_ns(), prepared)


def _frame(request: pb.PreprocessRequest) -> bytes | RawFrame:
    match request.WhichOneof("frame"):
        case "encoded":
            return request.encoded
        case "raw":
            raw = request.raw
            return RawFrame(raw.data, raw.width, raw.height, raw.channels)
        case _:
            raise EmptyFrame("The request has no frame; send a picture's bytes in `encoded`, or pixels in `raw`.")


def _response(prepared: PreparedTensor) -> pb.PreprocessResponse:
    return pb.PreprocessResponse(
        tensor=prepared.tensor.tobytes(),
        channels=prepared.tensor.shape[0],
        geometry=_geometry(prepared.geometry),
        decode_seconds=prepared.decode_seconds,
        steps_seconds=prepared.steps_seconds,
        quality=None if prepared.quality is None else _quality(prepared.quality),
    )


def _quality(measures: Measures) -> pb.Quality:
    return pb.Quality(
        mean=measures.mean,
        dark_share=measures.dark_share,
        bright_share=measures.bright_share,
        focus=measures.focus,
    )


def _geometry(geometry: Geometry) -> types_pb2.Geometry:
    return types_pb2.Geometry(
        frame_width=geometry.frame_width,
        frame_height=geometry.frame_height,
        tensor_width=geometry.tensor_width,
        tensor_height=geometry.tensor_height,
        matrix=geometry.matrix,
    )
