"""What the tests of export share: every architecture of every task, exported once at its smallest input."""

import pytest
from support.exported import USES, Exported, ExportedArchitectures


@pytest.fixture(scope="session")
def exported_architectures(tmp_path_factory: pytest.TempPathFactory) -> ExportedArchitectures:
    """Every use of every architecture."""
    return ExportedArchitectures(tmp_path_factory.mktemp("exported"))


@pytest.fixture(params=USES, ids=str)
def exported(request: pytest.FixtureRequest, exported_architectures: ExportedArchitectures) -> Exported:
    """One after the other: every architecture, paper a's with each encoder, for every task, in float32.

    Not of the session: pytest would run the tests of all files use by use, and make each file's own fixtures, as a
    Triton, anew for every use.
    """
    return exported_architectures(request.param)
