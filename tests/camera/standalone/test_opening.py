"""How an agent comes to its judges."""

import asyncio
import subprocess
import sys
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from rich.console import Console
from support.camera_parts import GENERATED, camera_table
from support.scripted_stream import ScriptedStream, serving
from support.tiny_repository import write_spot

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate_camera.checking.report import check, show
from flawgate_camera.config.cameras import Camera, Configuration, Standalone
from flawgate_camera.config.gateway import Gateway
from flawgate_camera.config.sources import GeneratedSource
from flawgate_camera.frames import CapturedFrame
from flawgate_camera.standalone.link import Link
from flawgate_camera.standalone.opening import Bench
from flawgate_contracts.errors import InvalidParameter

RECIPES = {"one": "spot", "two": "spit", "three": "spit"}
HEAVY = {"torch", "onnx", "tritonclient", "fastapi", "sqlalchemy", "uvicorn"}
NAMES_WHAT_IS_LOADED = "import sys, {module}; print(*sorted(name.partition('.')[0] for name in sys.modules))"


class Deaf:
    """A `Listener` that nobody tells anything."""

    def decided(self, frame: CapturedFrame, inspection: pb.Inspection) -> None:
        """See `Listener`."""
        raise AssertionError

    def failed(self, reason: str) -> None:
        """See `Listener`."""
        raise AssertionError


def camera(name: str, recipe: str = "spot") -> Camera:
    """A camera."""
    return Camera(name=name, station="S4", recipe=recipe, source=GeneratedSource(kind="generated"))


async def test_cameras_of_one_recipe_share_its_models(tmp_path: Path) -> None:
    """Memory grows with the recipes, not with the cameras; and is given back with the last camera."""
    write_spot(tmp_path)
    judging = Bench(asyncio.get_running_loop()).judging(Standalone(repository=tmp_path))
    assert judging is not None
    one, two, other = (
        judging(each, uuid4(), Link(), Deaf()) for each in (camera("a"), camera("b"), camera("c", "other"))
    )
    assert one._judge is two._judge
    assert one._judge is not other._judge


async def test_without_the_table_nothing_is_judged_here() -> None:
    """The gateway does."""
    assert Bench(asyncio.get_running_loop()).judging(None) is None


async def test_a_repository_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Before the camera runs, not in the first outage."""
    with pytest.raises(InvalidParameter, match="There is no model repository at"):
        Bench(asyncio.get_running_loop()).judging(Standalone(repository=tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("module", "with_runtime"),
    [("flawgate_camera.app", False), ("flawgate_camera.app, flawgate_camera.standalone.judges", True)],
)
def test_what_an_agent_loads(module: str, *, with_runtime: bool) -> None:
    """Nothing of training, of Triton or of a web server; ONNX Runtime only where it judges frames itself."""
    told = subprocess.run(
        [sys.executable, "-c", NAMES_WHAT_IS_LOADED.format(module=module)], capture_output=True, text=True, check=True
    )
    loaded = set(told.stdout.split())
    assert not HEAVY & loaded
    assert ("onnxruntime" in loaded) is with_runtime


async def test_a_check_says_what_an_agent_cannot_judge(tmp_path: Path) -> None:
    """Before the line starts; a fault of a recipe is told once, with all its cameras."""
    write_spot(tmp_path)
    gateway = ScriptedStream()
    cameras = [camera_table(name=name, recipe=recipe, source=GENERATED) for name, recipe in RECIPES.items()]
    async with serving(gateway) as target:
        checked = await check(
            Configuration(
                cameras=tuple(cameras), gateway=Gateway(target=target), standalone=Standalone(repository=tmp_path)
            )
        )
    faults = {one.camera: one.models for one in checked}
    assert faults["one"] is None
    assert faults["two"] is not None
    assert "There is no recipe 'spit'" in faults["two"]
    assert faults["two"] == faults["three"]
    assert [one.good for one in checked] == [True, False, False]
    out = StringIO()
    show(checked, Console(file=out, width=400))
    assert out.getvalue().count("two, three: The agent cannot judge by recipe spit: There is no recipe 'spit'") == 1
