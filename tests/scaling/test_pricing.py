import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
import simpy
from scaling.calibration import Calibration
from scaling.pricing import Loop, loop_rate, priced
from scaling.simulator import Way, simulate_loop
from scaling.stations import Batching, Cost, Gpu

ALONE = Calibration(
    cores=2,
    threads=2,
    instances=2,
    walls_s=[{"door": 0.020, "preprocess": 0.010, "decide": 0.010, "infer": infer} for infer in (0.04, 0.06, 0.08)],
    work_s={"client": 0.002, "gateway": 0.012, "preprocessing": 0.008, "decision": 0.006, "triton": 0.050},
)
"""Without any price: 9.9, 19.9 and 23.1 frames/s with one at once, two and three."""
SECONDS = 2.0


def loops(*rates: float, cores: float = 2.0) -> list[Loop]:
    """Of two frames at once, three and so on."""
    return [Loop(at_once, SECONDS, rate, cores) for at_once, rate in enumerate(rates, 2)]


@pytest.mark.parametrize("rates", [(18.0, 21.0, 25.0), (19.0, 18.0, 17.0)], ids=["cheaper when full", "ever dearer"])
def test_found_prices_carry_what_was_measured(rates: Sequence[float]) -> None:
    """Each simulated closed loop answers as many frames as the real one, within 1 %, and a lonely frame costs 1."""
    found = priced(ALONE, loops(*rates))
    assert [loop_rate(found, at_once, SECONDS) for at_once in (2, 3, 4)] == pytest.approx(rates, rel=0.01)
    assert (found.prices[0], found.capacity) == (1.0, rates[-1])


def test_what_others_take_of_the_cores_is_not_the_price_of_work() -> None:
    """A loop beside which others took half a core tells the price of one that had all of them to itself."""
    dearer = replace(ALONE, cores=1.5, prices=(1.0, 1.2))
    (_, price) = priced(ALONE, loops(loop_rate(dearer, 2, SECONDS), cores=1.5)).prices
    assert price == pytest.approx(1.2, abs=0.01)


@pytest.mark.parametrize("rate", [5.0, 50.0])
def test_a_loop_that_no_price_explains_is_refused(rate: float) -> None:
    """Far fewer or more frames than possible: something else was measured."""
    with pytest.raises(RuntimeError, match="With 2 frames at once"):
        priced(ALONE, loops(rate))


def test_a_calibration_comes_back_from_json() -> None:
    """Prices and capacity among the rest."""
    kept = replace(ALONE, prices=[1.0, 1.1], capacity=18.0)
    assert Calibration.from_json(json.loads(json.dumps(kept.as_json()))) == kept


class OneGpu:
    """A cluster of one GPU, which takes 0.5 s a frame, one after the other."""

    gate = None
    deadline_s = 10.0

    def __init__(self, env: simpy.Environment) -> None:
        self._gpu = Gpu(env, Batching(largest=1, wait_s=0.0, batch_s=0.5, frame_s=0.0))

    def way(self, number: int) -> Way:
        """See `Cluster`."""
        return Way((), [(self._gpu, Cost(0.0))])


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_loop_sends_until_its_end_and_waits_for_the_last(at_once: int) -> None:
    """However many frames wait, one server of 0.5 s answers two a second."""
    assert simulate_loop(at_once, 10.0, OneGpu) == pytest.approx(2.0)
