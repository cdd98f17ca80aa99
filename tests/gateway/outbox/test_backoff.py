from flawgate_gateway.outbox.backoff import Pause


def test_streams_that_fail_together_begin_one_pause() -> None:
    """The first is told so, and may say it in the log; the pause is as long as after one failure."""
    pause = Pause(60.0)
    assert [pause.failed(None) for _ in range(3)] == [True, False, False]
    assert 0 < pause.left_s <= 1.2


def test_an_answer_ends_the_pause() -> None:
    """And the next failure begins a short one again."""
    pause = Pause(60.0)
    pause.failed(30.0)
    pause.reached()
    assert pause.left_s <= 0
    assert (pause.failed(None), pause.left_s <= 1.2) == (True, True)
