import json
from pathlib import Path
from typing import Any

import pytest
from support.gpu_machine import Machine, write_golden
from support.tiny_kinds import SPOT, TINIES
from support.tiny_repository import write_spot

from flawgate_contracts.errors import (
    DamagedModel,
    DeadlineExceeded,
    DiskFull,
    FlawgateError,
    GoldenFailed,
    InvalidParameter,
    ModelFailure,
    ParityRefused,
    UnknownRecipe,
)
from flawgate_contracts.repository.digests import sha256
from flawgate_plans import tasks
from flawgate_plans.records import read_records
from flawgate_plans.showing import Outcome


def build(machine: Machine, *names: str, again: bool = False, **tools: Any) -> Outcome:
    """Build one recipe's plans."""
    (outcome,) = tasks.build_all(machine.root, names, None, machine.tools(**tools), again=again)
    return outcome


def test_proved_plans_are_put_in_place_and_recorded(machine: Machine) -> None:
    """Each model gets its plan and a record of what it is, from what, on what, and how it was proved."""
    outcome = build(machine)
    assert (outcome.state, outcome.in_force) == ("built", True)
    for model in ("spot_seg", "spot_cls"):
        folder = machine.root / model / "1"
        (name, entry), *others = read_records(folder).plans.items()
        assert (name, others) == ("sm75.plan", [])
        assert sha256(folder / "sm75.plan") == entry.sha256
        assert sha256(folder / "model.onnx") == entry.onnx_sha256
        assert (
            entry.tensorrt,
            entry.driver,
            entry.compute_capability,
            entry.gpu,
            entry.precision,
        ) == ("11.1.0.106", "580.82.07", "7.5", "NVIDIA GeForce RTX 2080 Ti", "fp32")
        assert (entry.proof.frames, entry.proof.unchecked, entry.proof.tolerance) == (3, 1, 0.02)
        assert entry.proof.score_difference < 1e-5
        assert entry.proof.onnxruntime_differences == {"mask": 0.0, "score": 0.0}
    assert not list(machine.root.rglob(".*building"))


@pytest.mark.parametrize("name", [name for name in TINIES if name != "spot"])
def test_plans_of_every_kind_of_recipe(machine: Machine, name: str) -> None:
    """Segmentation, classification, anomaly and tiles are chained and judged like the cascade."""
    machine.add(TINIES[name])
    outcome = build(machine, name)
    assert (outcome.state, outcome.in_force) == ("built", True)


def test_what_trtexec_is_told(machine: Machine) -> None:
    """Shapes of the one profile come from the batching settings, and no flag is one of precision or compatibility."""
    build(machine)
    built = [call for call in machine.calls() if any(argument.startswith("--onnx=") for argument in call)]
    assert [[argument for argument in call if "Shapes=" in argument] for call in built] == [
        ["--minShapes=frame:1x1x32x24", "--optShapes=frame:4x1x32x24", "--maxShapes=frame:4x1x32x24"],
        ["--minShapes=features:1x1x4x3", "--optShapes=features:4x1x4x3", "--maxShapes=features:4x1x4x3"],
    ]
    cache = machine.root / ".flawgate-timing-11.1.0.106-sm75.cache"
    for call in built:
        assert {f"--timingCacheFile={cache}", "--skipInference", "--device=0"} <= set(call)
        assert "--stronglyTyped" not in call
    assert cache.read_bytes() == b"tt"


def test_tensorrt_10_is_told_to_be_strongly_typed(machine: Machine) -> None:
    """The fallback has weak typing as its default; 11 knows no other than strong."""
    machine.trtexec_is(version=(10, 16, 1, 11))
    build(machine)
    built = [call for call in machine.calls() if any(argument.startswith("--onnx=") for argument in call)]
    assert ["--stronglyTyped" in call for call in built] == [True, True]
    assert read_records(machine.root / "spot_seg" / "1").plans["sm75.plan"].tensorrt == "10.16.1.11"


@pytest.mark.parametrize("mode", ["wrong", "shifted"])
def test_a_plan_that_judges_otherwise_is_deleted(machine: Machine, mode: str) -> None:
    """Nothing but the choice of configuration changes, and Triton falls back to the ONNX file."""
    before = machine.files()
    machine.trtexec_is(mode)
    outcome = build(machine)
    assert (outcome.state, outcome.in_force) == ("refused", False)
    with pytest.raises(ParityRefused, match=r"spot version 1, tolerance 0.02\nframe .*must be"):
        tasks.refuse([outcome])
    moved = {f"{model}/configs/tensorrt.pbtxt" for model in ("spot_seg", "spot_cls")}
    expected = {f"{path}.refused" if path in moved else path: data for path, data in before.items()}
    assert expected == machine.files()


def test_a_later_success_puts_the_configuration_in_force_again(machine: Machine) -> None:
    """With the versions that are loaded by then: a promotion does not reach a file that is set aside."""
    before = (machine.root / "spot_seg" / "configs" / "tensorrt.pbtxt").read_text("utf-8")
    machine.trtexec_is("wrong")
    build(machine)
    config = machine.root / "spot_seg" / "config.pbtxt"
    config.write_text(config.read_text("utf-8").replace("versions: 1", "versions: 1\n    versions: 2"), "utf-8")
    machine.trtexec_is()
    assert build(machine).in_force
    folder = machine.root / "spot_seg" / "configs"
    after = (folder / "tensorrt.pbtxt").read_text("utf-8")
    assert before.replace("    versions: 1\n", "    versions: 1\n    versions: 2\n") == after
    assert not (folder / "tensorrt.pbtxt.refused").exists()


def test_a_sound_plan_survives_a_refused_one(built: Machine) -> None:
    """What was proved before goes on serving."""
    before = built.files()
    built.trtexec_is("wrong")
    outcome = build(built, again=True)
    assert (outcome.state, outcome.in_force) == ("refused", True)
    assert before == built.files()


def test_sound_plans_are_not_built_twice(built: Machine) -> None:
    """Unless asked for, or TensorRT has changed: its plans run on no other."""
    calls = len(built.calls())
    assert build(built).state == "sound"
    assert calls == len(built.calls())
    assert build(built, again=True).state == "built"
    built.trtexec_is(version=(10, 16, 1, 11))
    assert build(built).state == "built"


@pytest.mark.parametrize(
    ("mode", "error", "sentence"),
    [
        ("crash", ModelFailure, "status 1; it said: Error.9.: no implementation for node conv_1"),
        ("nothing", ModelFailure, "wrote no engine"),
        ("full", DiskFull, "no space"),
        ("slow", DeadlineExceeded, "longer than 1 s"),
        ("no number", ModelFailure, "no numbers from 0 to 1"),
    ],
)
def test_a_build_that_fails_leaves_nothing(
    machine: Machine, mode: str, error: type[FlawgateError], sentence: str
) -> None:
    """No half plan, no record; the ONNX configuration is in force."""
    before = set(machine.files())
    machine.trtexec_is(mode)
    with pytest.raises(error, match=sentence):
        build(machine, timeout_s=1.0 if mode == "slow" else 60.0)
    added = {path for path in machine.files() if path not in before}
    assert {f"{model}/configs/tensorrt.pbtxt.refused" for model in ("spot_seg", "spot_cls")} == added


@pytest.mark.parametrize(
    ("name", "capability", "driver", "version", "sentence"),
    [
        ("Tesla V100", "7.0", "580.82.07", (11, 1, 0, 106), "capability 7.0; plans are for 7.5, 8.6, 8.9, 9.0. To add"),
        ("NVIDIA GeForce RTX 2080 Ti", "7.5", "570.10", (11, 1, 0, 106), "driver is 570.10, .* needs 580 or newer"),
        ("NVIDIA GeForce RTX 2080 Ti", "7.5", "580.82.07", (10, 9, 0, 34), "This is TensorRT 10.9.0.34; .* 11.1.0.106"),
    ],
)
def test_refuses_machines_that_no_plan_is_for(
    machine: Machine, name: str, capability: str, driver: str, version: tuple[int, ...], sentence: str
) -> None:
    """Another GPU, an old driver or an unpinned TensorRT is named, and nothing is touched."""
    before = machine.files()
    machine.is_a(name, capability, driver)
    machine.trtexec_is(version=version)
    with pytest.raises(InvalidParameter, match=sentence):
        build(machine)
    assert before == machine.files()


def test_the_fallback_asks_for_no_particular_driver(machine: Machine) -> None:
    """TensorRT 10 is for hosts whose driver is older."""
    machine.is_a("NVIDIA GeForce RTX 2080 Ti", "7.5", "550.54.15")
    machine.trtexec_is(version=(10, 16, 1, 11))
    assert build(machine).state == "built"


@pytest.mark.parametrize(
    ("tools", "sentence"),
    [
        ({"trtexec": Path("nowhere/trtexec")}, "no trtexec .nowhere/trtexec.; run this inside Triton's image"),
        ({"trtexec": Path("/bin/true")}, "does not say which TensorRT"),
        ({"trtexec": Path("/etc/hostname")}, "/etc/hostname cannot be run"),
        ({"nvidia_smi": "no-such-program"}, "there is no no-such-program"),
        ({"nvidia_smi": "/bin/true"}, "/bin/true answered ''"),
        ({"device": 1}, "GPU 1 is not to be found"),
    ],
)
def test_refuses_a_machine_without_the_programs(machine: Machine, tools: dict[str, Any], sentence: str) -> None:
    """What is missing is named, and where to run this instead."""
    with pytest.raises(InvalidParameter, match=sentence):
        build(machine, **tools)


def test_refuses_an_answer_of_nvidia_smi_that_tells_nothing(machine: Machine) -> None:
    """An old driver knows no compute capability."""
    machine.is_a("NVIDIA GeForce RTX 2080 Ti", "[N/A]")
    with pytest.raises(InvalidParameter, match=r"answered 'NVIDIA GeForce RTX 2080 Ti, \[N/A\], 580"):
        build(machine)


def test_refuses_damaged_models_and_golden_frames(machine: Machine) -> None:
    """A plan of a file that is not the recipe's, or proved on other frames, is worth nothing."""
    picture = machine.root / "spot" / "1" / "golden" / "0.png"
    picture.write_bytes((picture.parent / "1.png").read_bytes())
    with pytest.raises(DamagedModel, match=r"0\.png is another picture than golden\.json names"):
        build(machine)
    picture.unlink()
    with pytest.raises(DamagedModel, match=r"0\.png is missing or no picture"):
        build(machine)
    with (machine.root / "spot_cls" / "1" / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(DamagedModel, match=r"spot_cls/1/model\.onnx is damaged"):
        build(machine)


def test_golden_frames_of_the_data_set_are_looked_up(machine: Machine, tmp_path: Path) -> None:
    """Those that may not be shipped are prepared as for inspection; another picture of that name does not count."""
    golden = machine.root / "spot" / "1" / "golden"
    (tmp_path / "private").write_bytes((golden / "0.png").read_bytes())
    trial = build(machine, pictures=tmp_path).trial
    assert trial is not None
    assert (trial.proof.frames, trial.proof.unchecked) == (4, 0)
    (tmp_path / "private").write_bytes((golden / "1.png").read_bytes())
    trial = build(machine, again=True, pictures=tmp_path).trial
    assert trial is not None
    assert (trial.proof.frames, trial.proof.unchecked) == (3, 1)


def test_refuses_what_cannot_be_proved(machine: Machine) -> None:
    """Without a golden frame at hand there is no plan."""
    write_golden(machine.root, SPOT, SPOT.recipe, pictures=False)
    with pytest.raises(GoldenFailed, match="its picture is not shipped; name the folder"):
        build(machine)
    (machine.root / "spot" / "1" / "golden.json").unlink()
    with pytest.raises(GoldenFailed, match="it has none"):
        build(machine)


def test_names_and_versions(machine: Machine) -> None:
    """An unknown recipe, a version without a recipe, and a repository that is not there, are said."""
    with pytest.raises(UnknownRecipe, match="no recipe 'ghost'"):
        build(machine, "ghost")
    with pytest.raises(InvalidParameter, match="exactly one recipe"):
        tasks.build_all(machine.root, [], 1, machine.tools(), again=False)
    with pytest.raises(InvalidParameter, match="no model repository"):
        tasks.build_all(machine.root / "spot" / "9", [], None, machine.tools(), again=False)


def test_plans_of_a_version_that_is_not_active(machine: Machine) -> None:
    """They are built beside the active version's, whose configuration stays out of force while it has none."""
    recipe = SPOT.write(machine.root)
    second = recipe.model_copy(update={"version": "2"})
    config = (machine.root / "spot_seg" / "configs" / "tensorrt.pbtxt").read_text("utf-8")
    written = write_spot(machine.root, version="2")
    assert second.name == written.name
    write_golden(machine.root, SPOT, written)
    (outcome,) = tasks.build_all(machine.root, ["spot"], 2, machine.tools(), again=False)
    assert (outcome.state, outcome.in_force) == ("built", False)
    assert (machine.root / "spot_seg" / "2" / "sm75.plan").is_file()
    assert not (machine.root / "spot_seg" / "1" / "sm75.plan").exists()
    assert build(machine).in_force
    assert config == (machine.root / "spot_seg" / "configs" / "tensorrt.pbtxt").read_text("utf-8")


def test_outcomes_as_json(machine: Machine) -> None:
    """A program reads what was built, the figures of the proof, and every frame."""
    facts = json.loads(json.dumps(build(machine).as_dict()))
    assert (facts["recipe"], facts["version"], facts["state"], facts["in_force"]) == ("spot", 1, "built", True)
    assert facts["proof"]["frames"] == 3
    assert [frame["found"]["evaluation"] for frame in facts["frames"]] == ["OK", "NOT_OK", "OK"]
