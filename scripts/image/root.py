"""Makes the root of an image that holds Python, its libraries and one environment: `python root.py ENVIRONMENT ROOT`.

Runs in a build stage, with the base image's Python. There is no shell and no package manager in the root: less to carry
to every station, and nothing for an intruder to use. Entries of the Debian packages that files come from go to
`/var/lib/dpkg/status.d`, where scanners of images look, and their licences along.
"""

# ruff: noqa: INP001, S603, S607 - run by its path; ldd and dpkg are the base image's own

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

USER = 10001
"""Number of the user and of the group; also in each Dockerfile's USER."""

UNUSED = (
    "__pycache__",
    "dist-packages",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "site-packages",
    "test",
    "tkinter",
    "turtledemo",
)
"""Of the standard library; the config folders, which build programs that embed Python, are left out as well."""

FILES = ("/etc/ld.so.cache", "/etc/nsswitch.conf", "/etc/os-release", "/etc/ssl/certs/ca-certificates.crt")

FOLDED = ("bin", "lib", "lib64", "sbin")
"""Links of Debian's root into /usr."""


def main(environment: Path, root: Path) -> None:
    """Fill `root`, which must not exist yet."""
    fold(root)
    shutil.copytree(environment, root / environment.relative_to("/"), symlinks=True)
    standard_library = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(
        standard_library,
        root / standard_library.relative_to("/"),
        ignore=shutil.ignore_patterns(*UNUSED, "config-*"),
        dirs_exist_ok=True,
    )
    programs = [environment / "bin/python", *standard_library.rglob("*.so"), *environment.rglob("*.so*")]
    system = sorted({path for path in libraries(programs) if not path.is_relative_to(environment)})
    for path in (environment / "bin/python", *map(Path, FILES), *system):
        carry(path, root)
    record_packages(system, root)
    add_user(root)


def fold(root: Path) -> None:
    """Make the folders of Debian's root that are links there links here."""
    root.mkdir(mode=0o755)
    for name in FOLDED:
        if (Path("/") / name).is_symlink():
            (root / "usr" / name).mkdir(parents=True)
            (root / name).symlink_to(f"usr/{name}")


def libraries(programs: Iterable[Path]) -> set[Path]:
    """The shared libraries that the dynamic linker finds for programs and libraries, itself among them."""
    found = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=False).stdout
    return {Path(path) for path in re.findall(r"^\s+(?:\S+ => )?(/\S+) \(0x", found, re.MULTILINE)}


def carry(path: Path, root: Path) -> None:
    """Copy a file to the same place under `root`; of a link, all that it leads over."""
    place = path.parent.resolve() / path.name
    target = root / place.relative_to("/")
    if not os.path.lexists(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(place, target, follow_symlinks=False)
    if place.is_symlink():
        carry(place.parent / place.readlink(), root)


def record_packages(files: Iterable[Path], root: Path) -> None:
    """Note which Debian packages the files come from, with their licences."""
    owners = subprocess.run(
        ["dpkg", "--search", *(str(name) for path in files for name in {path, path.resolve()})],
        capture_output=True,
        text=True,
        check=False,  # a library under /usr/local has no owner
    ).stdout
    (root / "var/lib/dpkg/status.d").mkdir(parents=True)
    for package in sorted(set(re.findall(r"^([^:\s]+):", owners, re.MULTILINE))):
        entry = subprocess.run(["dpkg", "--status", package], capture_output=True, check=True).stdout
        (root / "var/lib/dpkg/status.d" / package).write_bytes(entry)
        licence = Path("/usr/share/doc") / package / "copyright"
        if licence.exists():
            carry(licence, root)


def add_user(root: Path) -> None:
    """The user that services run as, its folder `/data` for what must stay, and `/tmp`."""
    (root / "etc/passwd").write_text(f"root:x:0:0::/:\nflawgate:x:{USER}:{USER}::/data:\n", "utf-8")
    (root / "etc/group").write_text(f"root:x:0:\nflawgate:x:{USER}:\n", "utf-8")
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    (root / "data").mkdir()
    os.chown(root / "data", USER, USER)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
