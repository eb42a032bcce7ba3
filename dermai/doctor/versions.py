"""Python and the installed packages against the lock."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from dermai.config import Params
from dermai.doctor.finding import Finding, ok, problem, warning
from dermai.workspace import Workspace

LINE = re.compile(r"^(?P<requirement>[A-Za-z0-9][^#\\]*?)\s*\\?$")


def locked_versions(lock: Path) -> dict[str, str]:
    """The version of each package that the lock pins for this machine, by normalised name."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    pinned: dict[str, str] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        found = LINE.match(line)
        if not found:
            continue
        try:
            requirement = Requirement(found["requirement"])
        except InvalidRequirement:
            continue
        version = next((pin.version for pin in requirement.specifier if pin.operator == "=="), None)
        if version and (requirement.marker is None or requirement.marker.evaluate()):
            pinned[canonicalize_name(requirement.name)] = version
    return pinned


def installed_versions() -> dict[str, str]:
    """The version of each package that Python finds first, by normalised name."""
    from packaging.utils import canonicalize_name

    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(canonicalize_name(name), distribution.version)
    return found


def check_versions(workspace: Workspace, params: Params) -> Iterator[Finding]:
    """Python is one that is tested, and every package is the lock's."""
    running = ".".join(map(str, sys.version_info[:3]))
    if not (3, 11) <= sys.version_info < (3, 14):
        yield problem("versions", f"Python {running} is not tested", "use Python 3.11 to 3.13: make PYTHON=python3.11")
    lock = workspace.root / "requirements.txt"
    if not lock.is_file():
        yield warning("versions", "there is no requirements.txt here to compare with", "run this in a clone")
        return
    pinned, installed = locked_versions(lock), installed_versions()
    other = [
        f"{name} {installed[name]} instead of {version}"
        for name, version in pinned.items()
        if name in installed and _public(installed[name]) != _public(version)
    ]
    missing = [name for name in pinned if name not in installed]
    fix = "install the lock: `make setup` in a clone, or rebuild the image"
    if other:
        yield problem("versions", f"{len(other)} packages are not the lock's: {_some(other)}", fix)
    if missing:
        yield problem("versions", f"{len(missing)} packages of the lock are missing: {_some(missing)}", fix)
    if not other and not missing:
        yield ok("versions", f"Python {running} and {len(pinned)} packages, as the lock has them")


def _public(version: str) -> str:
    """Without a build's own suffix, such as +cpu."""
    return version.partition("+")[0]


def _some(items: list[str]) -> str:
    return ", ".join(items[:5]) + (f" and {len(items) - 5} more" if len(items) > 5 else "")
