"""What the tests of training share: one thread, and the real data sets where they are."""

import os
from pathlib import Path

import pytest
import torch

_SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tiny tensors gain nothing from threads, and busy machines lose by them."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def kolektor_folder() -> Path:
    """The real KolektorSDD, where there is one."""
    return _folder("FLAWGATE_KSDD", "KolektorSDD")


@pytest.fixture(scope="session")
def dagm_folder() -> Path:
    """The real DAGM 2007, where there is one."""
    return _folder("FLAWGATE_DAGM", "DAGM2007")


def _folder(variable: str, name: str) -> Path:
    named = os.environ.get(variable)
    folder = Path(named) if named else _SHARED / name
    if not folder.is_dir():
        pytest.skip(f"{name} is not here; set {variable} to its folder")
    return folder
