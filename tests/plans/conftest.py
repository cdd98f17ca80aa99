import shutil
from pathlib import Path

import pytest
from support.gpu_machine import Machine, new_machine

from flawgate_plans import tasks


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """With an RTX 2080 Ti, TensorRT 11.1.0.106, and the recipe `spot`."""
    return new_machine(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The same with sound plans; to be copied."""
    machine = new_machine(tmp_path_factory.mktemp("finished"))
    tasks.build_all(machine.root, [], None, machine.tools(), again=False)
    return machine


@pytest.fixture
def built(finished: Machine, tmp_path: Path) -> Machine:
    """With sound plans."""
    copies = [Path(shutil.copytree(folder, tmp_path / folder.name)) for folder in (finished.folder, finished.root)]
    return Machine(*copies)
