import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("service", ["preprocessing", "decision", "gateway"])
@pytest.mark.parametrize(
    ("key", "value", "said"),
    [("PORT", "99999", "PORT"), ("DRAIN_S", "-1", "DRAIN_S"), ("LOG_LEVEL", "loud", "LOG_LEVEL")],
)
def test_a_wrong_setting_is_one_sentence(service: str, key: str, value: str, said: str) -> None:
    """A service that is told nonsense names the variable, without a traceback, and exits with 2."""
    run = subprocess.run(
        [sys.executable, "-m", f"flawgate_{service}"],
        env={**os.environ, f"{service.upper()}_{key}": value},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 2
    assert f"{service.upper()}_{said}" in run.stderr
    assert "Traceback" not in run.stderr
