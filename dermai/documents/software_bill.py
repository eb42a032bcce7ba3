"""The software that a version was made with, as a CycloneDX bill of materials (SBOM)."""

from __future__ import annotations

import importlib.metadata
import subprocess
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dermai import __version__
from dermai.documents.version_evidence import VersionEvidence
from dermai.files import sha256_bytes
from dermai.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import PackageMetadata

    from cyclonedx.model.component import Component

LOCK = "requirements.txt"
LONGEST_LICENCE = 100
SERIALS = uuid.UUID("7c0f1a56-3a0d-5b0e-9a0c-d5a5b6f4c1e2")  # under which serial numbers are derived from content
INSTALLED = "the packages that are installed here: no lock file is known of the version"


@dataclass(frozen=True)
class LockedSoftware:
    """Names and versions, and in a sentence where they are from."""

    versions: dict[str, str]
    source: str


def locked_software(workspace: Workspace, evidence: VersionEvidence) -> LockedSoftware:
    """What the lock file named when the version was made: the workspace's own, else the one that git kept.

    Where neither has the recorded hash, what is installed here is listed instead, and `source` says so.
    """
    code = evidence.record.code
    own = workspace.root / LOCK
    for content in (own.read_bytes() if own.is_file() else b"", _kept_by_git(workspace, code.commit)):
        if code.lock_sha256 and sha256_bytes(content) == code.lock_sha256:
            return LockedSoftware(dict(_pinned(content.decode("utf-8"))), f"the lock file {code.lock_sha256}")
    return LockedSoftware(
        {_name(found): found.version for found in importlib.metadata.distributions() if found.metadata["Name"]},
        INSTALLED,
    )


def _kept_by_git(workspace: Workspace, commit: str) -> bytes:
    command = ["git", "-C", str(workspace.root), "show", f"{commit}:{LOCK}"]
    try:
        return subprocess.run(command, capture_output=True, check=False).stdout
    except FileNotFoundError:  # git is not installed
        return b""


def software_bill(software: LockedSoftware, evidence: VersionEvidence) -> str:
    """CycloneDX 1.6 JSON: every package with its version and address; licence and dependencies where it is installed.

    A package that dermai needs to run is `required`; others (for development, other platforms) are `optional`.
    """
    from cyclonedx.model import Property
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6

    needed = _needed_to_run()
    parts = {name: _component(name, version, name in needed) for name, version in sorted(software.versions.items())}
    root = Component(name="dermai", version=__version__, type=ComponentType.APPLICATION, bom_ref="dermai")
    properties = [
        Property(name="dermai:components", value=software.source),
        Property(name="dermai:commit", value=evidence.record.code.commit),
        Property(name="dermai:python", value=evidence.record.code.python),
        Property(name="dermai:model-version", value=evidence.version),
    ]
    bill = Bom(
        components=parts.values(),
        metadata=BomMetaData(component=root, timestamp=evidence.as_of, properties=properties),
        serial_number=uuid.uuid5(SERIALS, f"software {evidence.sha256} {evidence.newest.sequence}"),
    )
    bill.register_dependency(root, [parts[name] for name in _requirements("dermai") if name in parts])
    for name, part in parts.items():
        bill.register_dependency(part, [parts[other] for other in _requirements(name) if other in parts])
    text: str = JsonV1Dot6(bill).output_as_string(indent=2)
    return text + "\n"


def _component(name: str, version: str, required: bool) -> Component:
    from cyclonedx.factory.license import LicenseFactory
    from cyclonedx.model.component import Component, ComponentScope, ComponentType
    from packageurl import PackageURL

    found = _installed(name)
    said = found.metadata if found is not None and found.version == version else None
    licence = _licence(said) if said is not None else ""
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        purl=PackageURL(type="pypi", name=name, version=version),
        bom_ref=f"pypi/{name}@{version}",
        scope=ComponentScope.REQUIRED if required else ComponentScope.OPTIONAL,
        licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
    )


def _licence(said: PackageMetadata) -> str:
    """What a package says of its licence in a line; some hold the whole text there, which is left to the package."""
    found = next((said[name] for name in ("License-Expression", "License") if name in said), "")
    return "" if found == "UNKNOWN" or len(found) > LONGEST_LICENCE or "\n" in found else found


def _pinned(lock: str) -> Iterator[tuple[str, str]]:
    """Name and version of each package that a lock file pins; where it pins two for two platforms, the last."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    for line in lock.splitlines():
        text = line.split("--hash")[0].rstrip("\\ ")
        if not text or text.startswith(("#", " ", "-")):
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        pin = next((str(each.version) for each in requirement.specifier if each.operator == "=="), None)
        if pin:
            yield canonicalize_name(requirement.name), pin


def _needed_to_run() -> set[str]:
    """dermai's dependencies without extras, near and far, as installed here."""
    found: set[str] = set()
    waiting = ["dermai"]
    while waiting:
        for name in _requirements(waiting.pop()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def _requirements(name: str) -> list[str]:
    """What an installed package needs on this machine, without its extras; nothing where it is not installed."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found = _installed(name)
    parsed = [Requirement(text) for text in (found.requires or [])] if found else []
    here = [each for each in parsed if each.marker is None or each.marker.evaluate({"extra": ""})]
    return sorted({canonicalize_name(each.name) for each in here})


def _installed(name: str) -> importlib.metadata.Distribution | None:
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _name(found: importlib.metadata.Distribution) -> str:
    from packaging.utils import canonicalize_name

    return str(canonicalize_name(found.metadata["Name"]))
