"""Several hosts on one machine."""

import os
from collections.abc import Iterator

import pytest
from support.hosts_plant import Plant, plant
from support.netns import NEEDS, may_make_namespaces


@pytest.fixture(scope="session")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """A plant that is ready, for all tests: each heals what it breaks."""
    if os.environ.get("FLAWGATE_HOSTS") != "1":
        pytest.skip("several hosts take minutes: run `make hosts`")
    if not may_make_namespaces():
        pytest.skip(NEEDS)
    with plant(tmp_path_factory.mktemp("hosts")) as made:
        made.wait_until_ready()
        yield made
