import pytest
import simpy
from scaling.calibration import Calibration
from scaling.gate import Admission
from scaling.host import predicted, predicted_behind_a_balancer
from scaling.machine import Cores, fair_shares
from scaling.simulator import Way, percentile, poisson, simulate, takt
from scaling.stations import Batching, Cost, Gpu, Service, Station

HOST = Calibration(
    cores=2,
    threads=2,
    instances=2,
    walls_s=[{"door": 0.020, "preprocess": 0.010, "decide": 0.010, "infer": 0.060}],
    work_s={"client": 0.002, "gateway": 0.012, "preprocessing": 0.008, "decision": 0.006, "triton": 0.100},
    capacity=2 / 0.128,
)
"""Work costs the same however many frames there are."""
LONELY_S = 0.1


class Steps:
    """A cluster in which every frame takes the same steps."""

    gate = None
    deadline_s = 10.0

    def __init__(self, *steps: tuple[Station, Cost]) -> None:
        self._steps = steps

    def way(self, number: int) -> Way:
        """See `Cluster`."""
        return Way((), self._steps)


@pytest.mark.parametrize("load", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("admission", [Admission(), Admission(2, 3, 0.5), Admission(16, 32, 0.05)])
def test_every_frame_ends_once(load: float, admission: Admission) -> None:
    """Frames in are those that were answered, refused, told that they cannot make it, or late; none is lost."""
    moments = poisson(load * HOST.capacity, 20.0, seed=1)
    (result,) = predicted(HOST, moments, runs=1, admission=admission)
    assert sum(result.ends.values()) == len(moments)
    assert len(result.latencies_s) == result.ends["answered"]


def test_a_lonely_frame_takes_what_it_took() -> None:
    """Without others, a prediction is the calibration."""
    (result,) = predicted(HOST, takt(0.5, 20.0), runs=1)
    assert result.latencies_s == pytest.approx([LONELY_S] * 9)


def test_more_than_the_capacity_is_refused() -> None:
    """Of twice what the cores carry about half is answered, and the gate tells the others so."""
    moments = poisson(2 * HOST.capacity, 60.0, seed=2)
    (result,) = predicted(HOST, moments, runs=1)
    assert result.ends["answered"] / len(moments) == pytest.approx(0.5, abs=0.05)
    assert result.ends["overloaded"] > 0


def test_no_answer_is_later_than_its_deadline_allows() -> None:
    """A frame is late by one step at the most, and then it is not answered."""
    admission = Admission(deadline_s=0.5)
    (result,) = predicted(HOST, poisson(1.5 * HOST.capacity, 30.0, seed=3), runs=1, admission=admission)
    assert max(result.latencies_s) <= admission.deadline_s
    assert result.ends["unreachable"] + result.ends["late"] > 0


def test_hosts_in_turn_get_an_equal_part_each() -> None:
    """Two hosts at twice the rate answer all frames, and sooner than one with all of them."""
    moments = poisson(1.4 * HOST.capacity, 30.0, seed=4)
    two = predicted_behind_a_balancer(HOST, moments, hosts=2, seed=0)
    (one,) = predicted(HOST, moments, runs=1)
    assert len(two) == len(moments)
    assert percentile(two, 0.95) < percentile(one.latencies_s, 0.95)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [(1, [0.0115]), (4, [0.016] * 4), (6, [0.016] * 4 + [0.028] * 2)],
    ids=["waits for others", "goes at once when full", "the rest comes after"],
)
def test_a_gpu_takes_what_waits_as_one_batch(frames: int, expected: list[float]) -> None:
    """A batch of n takes 8 ms and 2 ms a frame; one that is not full waits for 1.5 ms first, if nothing else runs."""
    batching = Batching(largest=4, wait_s=0.0015, batch_s=0.008, frame_s=0.002)
    result = simulate([0.0] * frames, lambda env: Steps((Gpu(env, batching), Cost(0.0))))
    assert result.latencies_s == pytest.approx(expected)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"a": 1.0}, {"a": 1.0}),
        ({"a": 4.0, "b": 1.0}, {"a": 1.0, "b": 1.0}),
        ({"a": 4.0, "b": 0.5}, {"a": 1.5, "b": 0.5}),
        ({"a": 4.0, "b": 2.0, "c": 1.0}, {"a": 2 / 3, "b": 2 / 3, "c": 2 / 3}),
    ],
)
def test_each_owner_gets_its_fair_share_of_two_cores(wanted: dict[str, float], expected: dict[str, float]) -> None:
    """Who wants less than an equal share gets it all; the rest is divided alike."""
    assert fair_shares(wanted, 2) == pytest.approx(expected)


def test_work_costs_more_on_a_full_machine() -> None:
    """Two frames on one core, at a price of 1.5 for two: each takes three times as long as alone."""

    def build(env: simpy.Environment) -> Steps:
        return Steps((Service(env, Cores(env, 1, prices=(1.0, 1.5))), Cost(1.0)))

    assert simulate([0.0, 0.0], build).latencies_s == pytest.approx([3.0, 3.0])
    assert simulate([0.0, 5.0], build).latencies_s == pytest.approx([1.0, 1.0])
