"""The command line of `python -m flawgate_triton`, whose environment is another than that of the tests."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def options_of_triton() -> ModuleType:
    """Its module, whose `parse` takes arguments."""
    path = Path(__file__).parents[2] / "services/triton/flawgate_triton/options.py"
    spec = importlib.util.spec_from_file_location("flawgate_triton_options", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
