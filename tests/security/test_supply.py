import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.manifests import OVERLAYS, container, of_kind

ROOT = Path(__file__).parents[2]
LOCKS = ("uv.lock", "services/triton/uv.lock")
SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


def files(package: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    """What can be installed of a locked package."""
    yield from package.get("wheels", [])
    if "sdist" in package:
        yield package["sdist"]


@pytest.mark.parametrize("lock", LOCKS)
def test_whatever_is_installed_has_its_digest_in_the_lock(lock: str) -> None:
    """A package that was swapped at its index, or on the way, is refused; none comes from a place of its own."""
    packages = tomllib.loads((ROOT / lock).read_text("utf-8"))["package"]
    foreign = [package for package in packages if "registry" in package["source"]]
    assert len(foreign) > 40
    for package in foreign:
        assert list(files(package)) != []
        assert all(SHA256.fullmatch(file["hash"]) for file in files(package))
    others = {next(iter(package["source"])) for package in packages} - {"registry"}
    assert others <= {"editable", "virtual"}


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("service", ["decision", "triton"])
def test_who_serves_models_cannot_change_them(overlay: str, service: str) -> None:
    """The repository is mounted read-only where frames and requests come in; the gateway does not have it at all."""
    (mount,) = [each for each in container(overlay, service)["volumeMounts"] if each["mountPath"] == "/models"]
    assert mount["readOnly"] is True
    volumes = of_kind(overlay, "Deployment")["gateway"]["spec"]["template"]["spec"]["volumes"]
    assert "model-repository" not in {volume.get("persistentVolumeClaim", {}).get("claimName") for volume in volumes}
