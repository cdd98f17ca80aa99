import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import pytest
from support.api_keys import KeyMaker
from support.gateway_cluster import GatewayCluster, running_gateway
from support.pictures import spot_png
from support.scripted_gateway import Scripted, inspection, scripted_gateway

from flawgate_cli.app import main
from flawgate_gateway.access.caller import Scope

KEYS = ["file", "inspection_id", "recipe", "evaluation", "reason", "score", "class", "defects"]


class Ran(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


class Flawgate:
    """The command, run in this process as the entry point runs it."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Ran:
        """Run `flawgate` with those arguments."""
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        said = self._capsys.readouterr()
        return Ran(int(ended.value.code or 0), said.out, said.err)


@pytest.fixture
def flawgate(capsys: pytest.CaptureFixture[str]) -> Flawgate:
    """The command."""
    return Flawgate(capsys)


@pytest.fixture(scope="module")
def cluster() -> Iterator[GatewayCluster]:
    """A gateway with its services."""
    with running_gateway() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good part, a bad part and a doubtful one."""
    for name, grey in (("good.png", 0), ("bad.png", 255), ("sub/doubtful.png", 220)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(spot_png(grey))
    return tmp_path


def lines(out: str) -> Sequence[dict[str, object]]:
    """The JSON objects of an output, one a line."""
    return [json.loads(line) for line in out.splitlines()]


def test_a_folder_is_inspected(cluster: GatewayCluster, flawgate: Flawgate, folder: Path) -> None:
    """Exit status 0, one JSON object a line with exactly the documented keys, in the order of the files."""
    ran = flawgate("inspect", "--recipe", "spot", "--url", cluster.url, "--json", folder)
    assert (ran.status, ran.err) == (0, "")
    facts = lines(ran.out)
    assert [list(line) for line in facts] == [KEYS] * 3
    assert [line["file"] for line in facts] == [
        str(folder / name) for name in ("bad.png", "good.png", "sub/doubtful.png")
    ]
    assert [line["evaluation"] for line in facts] == ["NOT_OK", "OK", "NOT_DECIDABLE"]


def test_a_table_is_shown_to_people(cluster: GatewayCluster, flawgate: Flawgate, folder: Path) -> None:
    """With a line that sums it up."""
    ran = flawgate("inspect", "--recipe", "spot", "--url", cluster.url, folder)
    assert ran.status == 0
    assert re.search(r"bad\.png +NOT_OK +1\.0000 +1: 8×8 at 0,8", ran.out)
    assert "3 frames, 1 OK, 1 NOT_OK, 1 NOT_DECIDABLE, 0 not evaluated" in ran.out


def test_one_bad_picture_does_not_stop_the_others(cluster: GatewayCluster, flawgate: Flawgate, folder: Path) -> None:
    """Exit status 1; the bad one has its error, the rest their evaluations."""
    (folder / "cut.png").write_bytes(spot_png(255)[:-20])
    ran = flawgate("inspect", "--recipe", "spot", "--url", cluster.url, "--json", folder)
    assert ran.status == 1
    facts = {Path(str(line["file"])).name: line for line in lines(ran.out)}
    assert list(facts["cut.png"]) == [*KEYS, "error"]
    assert facts["cut.png"]["error"]["code"] == "INVALID_FRAME"  # type: ignore[index]  # an object
    assert facts["bad.png"]["evaluation"] == "NOT_OK"


def test_overlays_are_written(cluster: GatewayCluster, flawgate: Flawgate, folder: Path, tmp_path: Path) -> None:
    """One readable picture a frame, in the folder that was named."""
    overlays = tmp_path / "new" / "overlays"
    ran = flawgate("inspect", "--recipe", "spot", "--url", cluster.url, "--overlays", overlays, folder / "bad.png")
    assert ran.status == 0
    (overlay,) = overlays.iterdir()
    assert overlay.name.endswith("bad.png.overlay.png")
    assert cv2.imread(str(overlay)) is not None


def test_station_and_lot_are_kept(cluster: GatewayCluster, flawgate: Flawgate, folder: Path) -> None:
    """They come with the inspection when it is asked for again."""
    options = ("--recipe", "spot", "--url", cluster.url, "--json", "--station", "S 4", "--lot", "L-7")
    (facts,) = lines(flawgate("inspect", *options, folder / "good.png").out)
    with cluster.client() as client:
        kept = client.get(f"/v1/inspections/{facts['inspection_id']}").json()
    assert (kept["station"], kept["lot"]) == ("S 4", "L-7")


def test_an_overlay_that_cannot_be_had_is_told_and_the_rest_goes_on(flawgate: Flawgate, folder: Path) -> None:
    """Exit status 1: something that was asked for is missing."""
    gone = Scripted(404, b"{}")
    with scripted_gateway(inspection(), gone, inspection(), gone) as gateway:
        ran = flawgate(
            *("inspect", "--recipe", "spot", "--url", gateway.url, "--json", "--concurrency", 1),
            *("--overlays", folder / "o", folder / "good.png"),
        )
    assert (ran.status, len(lines(ran.out))) == (1, 1)
    assert "good.png: There is no overlay to be had" in ran.err


def test_an_unknown_recipe_is_said_once(cluster: GatewayCluster, flawgate: Flawgate, folder: Path) -> None:
    """Not once for every frame."""
    ran = flawgate("inspect", "--recipe", "sport", "--url", cluster.url, folder)
    assert ran.status == 1
    assert " ".join(ran.out.split()).count("There is no recipe 'sport' here; known are: spot.") == 1


def test_an_unreachable_gateway_is_a_row_a_frame_and_one_sentence(flawgate: Flawgate, folder: Path) -> None:
    """Exit status 1, and what to do."""
    ran = flawgate("inspect", "--recipe", "spot", "--url", "http://127.0.0.1:9", "--retries", 0, folder)
    assert ran.status == 1
    assert len(re.findall(r"\.png +UNREACHABLE", ran.out)) == 3
    assert " ".join(ran.out.split()).count("Start one here with `flawgate up`") == 1


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The URL of a gateway that asks for keys, and a key."""
    data_dir = tmp_path_factory.mktemp("data")
    with running_gateway(data_dir=data_dir, access="keys") as running:
        keys = KeyMaker(f"sqlite:///{data_dir}/records.db")
        yield running.url, keys.make(Scope.INSPECT)[1].reveal()


def test_a_key_comes_from_the_environment_or_a_file(
    guarded: tuple[str, str], flawgate: Flawgate, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never from the command line, where everybody on the machine reads it; without one nothing is inspected."""
    url, key = guarded
    options = ("inspect", "--recipe", "spot", "--url", url, "--json", folder / "good.png")
    (facts,) = lines(flawgate(*options).out)
    assert facts["error"]["code"] == "UNAUTHENTICATED"  # type: ignore[index]  # an object
    (folder / "key").write_text(f"{key}\n")
    assert flawgate(*options, "--key-file", folder / "key").status == 0
    monkeypatch.setenv("FLAWGATE_API_KEY", key)
    assert flawgate(*options).status == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--recipe", "spot", "nowhere.png"), "There is no file or folder nowhere.png."),
        (("--recipe", "spot", "data[/x].png"), "There is no file or folder data[/x].png."),
        (("--recipe", "spot", "--url", "localhost", "pyproject.toml"), "`localhost` is no URL"),
        (("pyproject.toml",), "Missing option '--recipe'"),
        (("--recipe", "spot"), "Missing argument 'FILE...'"),
    ],
)
def test_a_wrong_command_is_one_sentence(flawgate: Flawgate, arguments: tuple[str, ...], said: str) -> None:
    """Exit status 2, nothing on standard output, no traceback."""
    ran = flawgate("inspect", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
    assert "Traceback" not in ran.err
