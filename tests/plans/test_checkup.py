from support.gpu_machine import Machine

from flawgate_plans.checkup import findings


def test_sound_plans_are_well(built: Machine) -> None:
    """The GPU is named; without one there is nothing to hold them against."""
    (here,) = findings(built.root, built.tools())
    assert (here.status, "RTX 2080 Ti" in here.says) == ("ok", True)
    assert [each.status for each in findings(built.root, built.tools(nvidia_smi="no-such-program"))] == ["skipped"]


def test_a_fault_is_an_error_where_the_gpu_is(built: Machine) -> None:
    """Elsewhere a warning: nobody runs the plan there."""
    (built.root / "spot_seg" / "1" / "sm75.plan").write_bytes(b"cut")
    (here,) = findings(built.root, built.tools())
    assert (here.status, here.advice) == ("error", "Build the plans of spot version 1 again.")
    (there,) = findings(built.root, built.tools(nvidia_smi="no-such-program"))
    assert there.status == "warning"


def test_a_repository_that_is_not_there_has_no_plans(machine: Machine) -> None:
    """Another check says so."""
    assert [each.status for each in findings(machine.root / "nowhere", machine.tools())] == ["skipped"]
