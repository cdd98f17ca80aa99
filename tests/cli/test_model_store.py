import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.killed_one_by_one import killed_one_by_one
from support.object_store import CREDENTIALS, S3Server, empty_place, s3_server
from support.ports import free_port
from support.stored_models import assert_loadable, files, promoted, pulled, pushed, stored
from support.tiny_repository import write_spot
from typer.core import TyperGroup
from typer.main import get_command

from flawgate_cli.app import create_app, main
from flawgate_cli.model_store.command import URL_VARIABLE
from flawgate_cli.model_store.pulling import pull
from flawgate_cli.model_store.store import MANIFEST, ModelStore
from flawgate_contracts.errors import (
    BrokenRecipe,
    Conflict,
    DamagedModel,
    DependencyUnavailable,
    InvalidParameter,
    NotFound,
)
from flawgate_contracts.repository.layout import ModelRepository

ALL_OF_SPOT = (
    *("spot/1/ensemble.pbtxt", "spot/1/recipe.json", "spot/config.pbtxt"),
    *(f"spot_cls/{name}" for name in ("1/model.onnx", "config.pbtxt", "configs/cpu.pbtxt")),
    *(f"spot_seg/{name}" for name in ("1/model.onnx", "config.pbtxt", "configs/cpu.pbtxt")),
)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    """One S3 for all tests of the file."""
    with s3_server() as server:
        yield server


@pytest.fixture
def bucket_url(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty place in S3, which clients of this process find."""
    return empty_place(s3, monkeypatch, "plant 1/models")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store in a folder."""
    return f"file://{tmp_path / 'store'}"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A repository with the recipe `spot`, version 1."""
    write_spot(tmp_path / "source")
    return tmp_path / "source"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where a pull goes to; not there yet."""
    return tmp_path / "target"


@pytest.mark.parametrize("place", ["url", "bucket_url"])
def test_what_was_pushed_is_pulled(place: str, request: pytest.FixtureRequest, source: Path, target: Path) -> None:
    """From a folder and from S3: all files of the recipe, the same bytes; a second time nothing has to move."""
    where = request.getfixturevalue(place)
    size = pushed(source, where)
    assert tuple(files(source)) == ALL_OF_SPOT
    assert 0 < size <= sum(map(len, files(source).values()))  # configurations of one content are there once
    assert pulled(where, target) > 0
    assert files(target) == files(source)
    assert (pushed(source, where), pulled(where, target)) == (0, 0)


def test_another_version_comes_in_force(source: Path, target: Path, url: str) -> None:
    """A promotion that was pushed is in force after the next pull, and the version before stays to go back to."""
    pushed(source, url)
    pulled(url, target)
    promoted(source, 2)
    pushed(source, url)
    pulled(url, target)
    assert files(target) == files(source)
    assert (ModelRepository(target).active("spot"), ModelRepository(target).versions("spot")) == (2, (1, 2))


def test_a_kill_at_any_step_leaves_a_repository_that_triton_loads(source: Path, target: Path, url: str) -> None:
    """A pull of a new version is killed before each of its steps; the next one comes to its end."""
    pushed(source, url)
    pulled(url, before := target.with_name("before"))
    promoted(source, 2)
    pushed(source, url)
    shutil.copytree(before, target)
    step = 0
    with killed_one_by_one("support.killed_pull", url, str(target)) as run:
        while run(step):
            assert_loadable(target)
            step += 1
            if step % 3:  # else the next one goes on from what this one left
                shutil.rmtree(target)
                shutil.copytree(before, target)
    assert step >= 8
    assert files(target) == files(source)


@pytest.mark.parametrize("path", ["spot_seg/1/model.onnx", "spot/1/recipe.json", "spot/config.pbtxt"])
def test_a_damaged_file_of_the_store_goes_nowhere(path: str, source: Path, target: Path, url: str) -> None:
    """Each byte is checked before anything takes its place; what was there stays as it was."""
    pushed(source, url)
    place = stored(url, path)
    place.write_bytes(place.read_bytes()[:-1] + b"?")
    with pytest.raises(DamagedModel, match=f"{place.name} is damaged or cut short; delete it there, and push"):
        pulled(url, target)
    assert files(target) == {}


def test_a_file_that_the_store_lost_is_named(source: Path, target: Path, url: str) -> None:
    """So that somebody can push it again; pushing does, since the store is asked what it holds."""
    pushed(source, url)
    stored(url, "spot_cls/1/model.onnx").unlink()
    with pytest.raises(DamagedModel, match="is missing; delete it there, and push the models again"):
        pulled(url, target)
    assert pushed(source, url) == (source / "spot_cls/1/model.onnx").stat().st_size
    pulled(url, target)
    assert files(target) == files(source)


def test_a_file_that_was_damaged_here_is_renewed(source: Path, target: Path, url: str) -> None:
    """A pull makes a repository whole again."""
    pushed(source, url)
    pulled(url, target)
    damaged = target / "spot_seg/1/model.onnx"
    damaged.write_bytes(b"")
    (target / "spot_cls/configs/cpu.pbtxt").unlink()
    pulled(url, target)
    assert files(target) == files(source)


def test_a_version_of_the_same_number_is_not_overwritten(source: Path, target: Path, url: str) -> None:
    """Two exports made a version 1 each: nobody guesses which is meant."""
    pushed(source, url)
    write_spot(target, gain=0.25)
    before = files(target)
    with pytest.raises(Conflict, match=r"Version 1 of recipe spot in .* is not the one at"):
        pulled(url, target)
    assert files(target) == before


def test_plans_of_this_machine_stay(source: Path, target: Path, url: str) -> None:
    """What a machine built for its own GPU, or set aside, is not undone by what another one had."""
    (source / "spot_seg/configs/tensorrt.pbtxt").write_text("version_policy { specific { versions: 1 } }\n", "utf-8")
    for name in ("sm75.plan", "plans.json"):
        (source / "spot_seg/1" / name).write_text("theirs", "utf-8")
    pushed(source, url)
    pulled(url, target)
    assert (target / "spot_seg/1/sm75.plan").read_text("utf-8") == "theirs"
    (target / "spot_seg/1/sm75.plan").write_text("ours", "utf-8")
    configuration = target / "spot_seg/configs/tensorrt.pbtxt"
    configuration.replace(f"{configuration}.refused")
    pulled(url, target)
    assert (target / "spot_seg/1/sm75.plan").read_text("utf-8") == "ours"
    assert not configuration.exists()
    pushed(target, url)
    assert stored(url, "spot_seg/configs/tensorrt.pbtxt").exists()


def test_recipes_of_others_stay_in_the_store(source: Path, target: Path, url: str, tmp_path: Path) -> None:
    """Who pushes one recipe takes none away, unless told to replace all."""
    pushed(source, url)
    write_spot(other := tmp_path / "other", name="dot")
    pushed(other, url)
    pulled(url, target)
    assert ModelRepository(target).recipes() == ("dot", "spot")
    pushed(other, url, replace=True)
    pulled(url, again := tmp_path / "again")
    assert ModelRepository(again).recipes() == ("dot",)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("spot_seg/1/model.onnx", DamagedModel),
        ("spot/config.pbtxt", BrokenRecipe),
        ("spot_seg/config.pbtxt", BrokenRecipe),
    ],
)
def test_a_broken_repository_is_not_pushed(path: str, error: type[Exception], source: Path, url: str) -> None:
    """The store keeps what it had."""
    (source / path).unlink()
    with pytest.raises(error):
        pushed(source, url)
    assert ModelStore(url).manifest() is None


@pytest.mark.parametrize("name", ["notes (1).txt", "Muster für später.png", "a/b/c/d/e.txt"])
def test_a_file_of_an_odd_name_is_told(name: str, source: Path, url: str) -> None:
    """By its path, since nobody pulls what the list does not take."""
    odd = source / "spot/1" / name
    odd.parent.mkdir(parents=True, exist_ok=True)
    odd.touch()
    with pytest.raises(InvalidParameter, match="cannot be pushed under that name") as caught:
        pushed(source, url)
    assert str(odd) in str(caught.value)


@pytest.mark.parametrize(
    "path", ["../outside/model.onnx", "/etc/passwd", "spot/../../outside", "spot/.hidden", "spot", "spot//1"]
)
def test_a_list_leads_nowhere_else(path: str, source: Path, target: Path, url: str) -> None:
    """A store that names files out of the repository, or hidden ones, is refused whole."""
    pushed(source, url)
    listed = Path(url.removeprefix("file://")) / MANIFEST
    manifest = json.loads(listed.read_bytes())
    manifest["files"][path] = manifest["files"]["spot/config.pbtxt"]
    listed.write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(DamagedModel, match="is no list of models"):
        pulled(url, target)
    assert not target.exists()


def test_no_more_comes_than_may(source: Path, target: Path, url: str) -> None:
    """A store that grew past what the volume is for is refused before anything is fetched."""
    pushed(source, url)
    with pytest.raises(InvalidParameter, match="at most 100 may come; set --max-bytes"):
        pull(ModelStore(url), target, max_bytes=100)
    assert not target.exists()


def test_a_recipe_is_never_large(source: Path, target: Path, url: str) -> None:
    """What is read whole into memory is small, whatever the store says of it."""
    pushed(source, url)
    listed = Path(url.removeprefix("file://")) / MANIFEST
    manifest = json.loads(listed.read_bytes())
    manifest["files"]["spot/1/recipe.json"]["size"] = 2**30
    listed.write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(DamagedModel, match="is said to have 1073741824 bytes, too many for a recipe"):
        pulled(url, target)
    assert files(target) == {}


def test_a_store_that_is_empty_or_gone_is_told(bucket_url: str, target: Path) -> None:
    """Nothing pushed, no bucket: a sentence each."""
    with pytest.raises(NotFound, match="`flawgate models push` puts them there"):
        pulled(bucket_url, target)
    with pytest.raises(NotFound, match="There is no bucket"):
        pulled("s3://no-such-bucket/models", target)


def test_a_store_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch, target: Path) -> None:
    """Kubernetes starts the container again: it may be back by then."""
    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DependencyUnavailable, match="see to its address") as raised:
        pulled("s3://bucket/models", target)
    assert raised.value.retryable


@pytest.mark.parametrize("url", ["bucket/models", "carrier-pigeon://loft"])
def test_a_store_of_no_known_kind_is_refused(url: str) -> None:
    """With what to write instead."""
    with pytest.raises(InvalidParameter, match="s3://"):
        ModelStore(url)


def test_the_subcommands_need_no_service_beside_them(capsys: pytest.CaptureFixture[str]) -> None:
    """The gateway's image has no other subcommand of `flawgate models`; where decision is installed, all are there."""
    for extensions, expected in (([], {"pull", "push"}), (None, {"list", "promote", "pull", "push"})):
        group = get_command(create_app(extensions))
        assert isinstance(group, TyperGroup)
        models = group.commands["models"]
        assert isinstance(models, TyperGroup)
        assert expected <= set(models.commands)
        assert extensions is None or expected == set(models.commands)
    assert capsys.readouterr().err == ""


def test_the_command_pushes_and_pulls(
    source: Path, target: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a person calls it, and as a pod does, whose store stands in its environment."""
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["models", "push", url, "--model-repository", str(source)])
    assert capsys.readouterr().out.endswith(f"bytes sent; {url} holds spot 1.\n")
    monkeypatch.setenv(URL_VARIABLE, url)
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["models", "pull", "--model-repository", str(target)])
    assert capsys.readouterr().out.endswith(f"bytes fetched into {target}; in force there: spot 1.\n")
    assert files(target) == files(source)
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["models", "push", url, "--model-repository", str(target / "nowhere")])
