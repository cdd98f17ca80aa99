"""What a plan must be built for, as `configs/tensorrt.pbtxt` says it: the truth that Triton will hold it against."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from flawgate_contracts.errors import DamagedModel

_SCHEMA = """
name: "flawgate_plans/triton_configuration.proto" package: "flawgate_plans" syntax: "proto3"
message_type {
  name: "Tensor"
  field { name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "dims" number: 2 type: TYPE_INT64 label: LABEL_REPEATED }
}
message_type {
  name: "Batching"
  field { name: "preferred_batch_size" number: 1 type: TYPE_INT32 label: LABEL_REPEATED }
}
message_type {
  name: "Plan"
  field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "value" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
}
message_type {
  name: "Configuration"
  field { name: "max_batch_size" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL }
  field { name: "input" number: 2 type: TYPE_MESSAGE type_name: "Tensor" label: LABEL_REPEATED }
  field { name: "dynamic_batching" number: 3 type: TYPE_MESSAGE type_name: "Batching" label: LABEL_OPTIONAL }
  field { name: "cc_model_filenames" number: 4 type: TYPE_MESSAGE type_name: "Plan" label: LABEL_REPEATED }
}
"""
"""The part of Triton's ModelConfig that is read here; the whole of it comes with tritonclient, which GPU nodes lack."""


@dataclass(frozen=True)
class EngineShape:
    """A plan's inputs, and its one optimisation profile: any batch from 1 to the largest, fastest at the preferred.

    Attributes:
        inputs: dims without the batch, by name.
        largest_batch: that a request may hold.
        preferred_batch: that Triton puts together.
        files: name of the plan, by compute capability.
    """

    inputs: dict[str, tuple[int, ...]]
    largest_batch: int
    preferred_batch: int
    files: dict[str, str]

    def shapes(self, batch: int) -> str:
        """As trtexec wants them, e.g. `frame:4x1x1408x512`."""
        return ",".join(f"{name}:{'x'.join(map(str, (batch, *dims)))}" for name, dims in self.inputs.items())


def read_shape(path: Path) -> EngineShape:
    """Read a `tensorrt.pbtxt`.

    Raises:
        DamagedModel: it is missing, or is none.
    """
    try:
        config = _configuration_class()()
        text_format.Parse(path.read_text(encoding="utf-8"), config, allow_unknown_field=True)
    except FileNotFoundError as err:
        raise DamagedModel(f"{path} is missing; export the recipe again.") from err
    except (text_format.ParseError, UnicodeDecodeError) as err:
        raise DamagedModel(f"{path} is no configuration of Triton's ({err}); export the recipe again.") from err
    if not (config.input and config.max_batch_size and config.cc_model_filenames):
        raise DamagedModel(f"{path} names no inputs, no batch or no plans; export the recipe again.")
    return EngineShape(
        inputs={tensor.name: tuple(tensor.dims) for tensor in config.input},
        largest_batch=config.max_batch_size,
        preferred_batch=max(config.dynamic_batching.preferred_batch_size, default=config.max_batch_size),
        files={plan.key: plan.value for plan in config.cc_model_filenames},
    )


@cache
def _configuration_class() -> Any:
    schema = text_format.Parse(_SCHEMA, descriptor_pb2.FileDescriptorProto())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(schema)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("flawgate_plans.Configuration"))
