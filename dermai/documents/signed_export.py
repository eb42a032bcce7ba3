"""All documents of a version in one signed archive, the same bytes for the same records."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from dermai import __version__
from dermai.audit import AuditLog, SigningKey, key_file, load_public_key
from dermai.audit.key import fingerprint
from dermai.audit.rotation import same_key
from dermai.config import Params
from dermai.documents.applied_model_card import applied_model_card
from dermai.documents.change_plan import change_plan, change_plan_page
from dermai.documents.checklists import CLEAR_DERM, TRIPOD_AI, checklist_page, filled, load_checklist
from dermai.documents.facts import facts_of
from dermai.documents.model_bill import check_bill, model_bill
from dermai.documents.software_bill import locked_software, software_bill
from dermai.documents.version_evidence import VersionEvidence, evidence_of
from dermai.errors import DermaiError
from dermai.files import sha256_bytes, write_bytes
from dermai.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
MANIFEST, SIGNATURE = "manifest.json", "manifest.json.signature"


class ExportManifest(BaseModel):
    """What an archive holds: SHA-256 by name, of which version, by which records."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    model: str
    version: str
    package_sha256: str
    audit_log: str
    newest_record: int
    as_of: str
    dermai: str
    signed_by: str  # fingerprint of the key
    files: dict[str, str]


def export_version(workspace: Workspace, params: Params, version: str, folder: Path) -> Path:
    """Write `<model>-<version>.zip` with every document of the version; it appears whole or not at all.

    Raises:
        DermaiError: nothing is recorded of the version, a document is not of its form, or the audit key is not here.
        AuditLogDamaged: the records do not verify.
        PackageTampered: the package is not the one that the records name.
    """
    key = _signing_key(AuditLog(workspace.audit_log))
    evidence = evidence_of(workspace, params, version)
    files = documents(workspace, params, evidence)
    archive = folder / f"{evidence.name}-{version}.zip"
    write_bytes(archive, archived(files, evidence, key))
    return archive


def documents(workspace: Workspace, params: Params, evidence: VersionEvidence) -> dict[str, bytes]:
    """Every document by file name; bills of materials are checked by their schema.

    Raises:
        DermaiError: a bill is not of the form that CycloneDX asks for.
    """
    facts = facts_of(evidence, params)
    software = software_bill(locked_software(workspace, evidence), evidence)
    model = model_bill(evidence, facts)
    check_bill(software, "the bill of software")
    check_bill(model, "the bill of the model")
    plan = change_plan(evidence, facts)
    found = {
        "applied_model_card.xml": applied_model_card(evidence, facts),
        "software.cdx.json": software.encode("utf-8"),
        "model.cdx.json": model.encode("utf-8"),
        "change_plan.json": _json(plan),
        "change_plan.html": change_plan_page(plan, evidence).encode("utf-8"),
    }
    for file in (CLEAR_DERM, TRIPOD_AI):
        checklist = filled(load_checklist(file), evidence, facts)
        found[f"{file.stem}.json"] = _json(checklist)
        found[f"{file.stem}.html"] = checklist_page(checklist, evidence).encode("utf-8")
    return found


def archived(files: Mapping[str, bytes], evidence: VersionEvidence, key: SigningKey) -> bytes:
    """The archive's bytes: files uncompressed in the order of their names, with the time of the newest record."""
    manifest = ExportManifest(
        format=FORMAT,
        model=evidence.name,
        version=evidence.version,
        package_sha256=evidence.sha256,
        audit_log=evidence.log,
        newest_record=evidence.newest.sequence,
        as_of=evidence.newest.time,
        dermai=__version__,
        signed_by=fingerprint(key.public),
        files={name: sha256_bytes(files[name]) for name in sorted(files)},
    )
    content = _json(manifest)
    signature = key.sign(signed_message(content)).encode("ascii") + b"\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, part in sorted({**files, MANIFEST: content, SIGNATURE: signature}.items()):
            entry = zipfile.ZipInfo(name, evidence.as_of.astimezone(UTC).timetuple()[:6])
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, part)
    return buffer.getvalue()


def signed_message(manifest: bytes) -> bytes:
    """What the audit key signs of an archive: no line of the log can be taken for it."""
    return b"dermai export of a version " + sha256_bytes(manifest).encode()


def _signing_key(audit: AuditLog) -> SigningKey:
    """The key that signs the log.

    Raises:
        DermaiError: it is not here, or is another one.
    """
    if not key_file().exists() or not audit.public_key_file.exists():
        raise DermaiError(f"the audit key {key_file()} or {audit.public_key_file} is missing: nothing can be signed")
    key = SigningKey.load_or_create()
    if not same_key(key.public, load_public_key(audit.public_key_file)):
        raise DermaiError(f"the audit key {key_file()} is not the one that signs {audit.path}: use the log's own key")
    return key


def _json(part: BaseModel) -> bytes:
    return (json.dumps(part.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
