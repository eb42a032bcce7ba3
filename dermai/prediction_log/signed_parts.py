"""Parts with confirmed diagnoses, each named with its hash by a record of the signed audit log.

A part is written under another name first, then its record, and then it gets its name: killed in between, a part that
has a record is taken by the next reader, and one that has none was never recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from dermai.audit import AuditLog, Entry, Event
from dermai.audit.event import Decided
from dermai.errors import DermaiError
from dermai.files import locked, sha256_bytes, sha256_file, sync_folder
from dermai.prediction_log.log import CONFIRMATIONS, PredictionLog
from dermai.prediction_log.order_of_writing import order_of
from dermai.prediction_log.parts import DamagedPart, write_part

PENDING, LOCK, SETTLE = ".pending", ".confirmations.lock", "dermai audit adopt-diagnoses"


class DiagnosesRecorded(Event):
    """Confirmed diagnoses were written as a part: its file name, its SHA-256 and how many rows it holds."""

    event: Literal["diagnoses"] = "diagnoses"
    part: str
    sha256: str
    rows: int


class DiagnosesAdopted(Decided):
    """A person answers for parts as they are (file name to SHA-256), and for those that are gone."""

    event: Literal["diagnoses_adopted"] = "diagnoses_adopted"
    parts: dict[str, str]
    gone: tuple[str, ...] = ()


@dataclass(frozen=True)
class SignedParts:
    """The parts that are as they were signed, in the order of writing, and what is wrong with the others."""

    sound: tuple[Path, ...]
    damaged: tuple[DamagedPart, ...]


def confirmations_folder(log: PredictionLog) -> Path:
    """Where the parts lie."""
    return log.folder / CONFIRMATIONS


@contextmanager
def recording(log: PredictionLog) -> Iterator[None]:
    """One process at a time records diagnoses; what a killed one has left is put right first."""
    with locked(log.folder / LOCK):
        recorded = _recorded(log.audit)
        for pending in sorted(confirmations_folder(log).glob(f"*{PENDING}")):
            part = pending.with_suffix("")
            if recorded.get(part.name) == sha256_file(pending) and not part.exists():
                pending.rename(part)
            else:
                pending.unlink()
        yield


def write_signed_part(log: PredictionLog, name: str, content: bytes, rows: int) -> None:
    """Write a part and its record; called within `recording`.

    Raises:
        PredictionLogError: the disk is full or read-only; nothing was recorded.
        AuditLogDamaged: the audit log takes no record; nothing was recorded.
    """
    part = confirmations_folder(log) / name
    pending = part.with_name(part.name + PENDING)
    write_part(pending, content, "no diagnosis was recorded")
    log.audit.append(DiagnosesRecorded(part=name, sha256=sha256_bytes(content), rows=rows))
    pending.rename(part)
    sync_folder(part.parent)


def signed_parts(log: PredictionLog) -> SignedParts:
    """The parts compared with their records: no edited, removed, exchanged or added part is read unseen.

    Raises:
        AuditLogDamaged: the audit log does not verify, so no part can be compared with it.
    """
    folder, recorded = confirmations_folder(log), _recorded(log.audit)
    sound, damaged = [], []
    unrecorded = sorted({part.name for part in folder.glob("*.parquet")} - set(recorded))
    for name in sorted([*recorded, *unrecorded], key=order_of):
        part = folder / name
        if not part.exists() and name in recorded:
            part = part.with_name(name + PENDING)
        if name not in recorded:
            damaged.append(_damaged(folder / name, "no record of the audit log names it"))
        elif not part.is_file():
            damaged.append(_damaged(folder / name, "it is gone"))
        elif sha256_file(part) != recorded[name]:
            damaged.append(_damaged(part, "it is not what was recorded in the audit log"))
        else:
            sound.append(part)
    return SignedParts(tuple(sound), tuple(damaged))


def adopt_parts(log: PredictionLog, *, approver: str, role: str, reason: str) -> Entry:
    """Take the parts as they are: those of earlier releases, which no record names, and what somebody answers for.

    What cannot be read is given up; its file is kept under another name.

    Raises:
        DermaiError: every part is as it was recorded.
    """
    with recording(log):
        damaged = signed_parts(log).damaged
        if not damaged:
            raise DermaiError("every part with confirmed diagnoses is as it was recorded: there is nothing to adopt")
        readable = [part.path for part in damaged if _readable(part.path)]
        gone = [part.path for part in damaged if part.path not in readable]
        for part in gone:
            if part.is_file():
                part.rename(part.with_name(f"{part.name}.unreadable"))
        return log.audit.append(
            DiagnosesAdopted(
                approver=approver,
                role=role,
                reason=reason,
                parts={part.name: sha256_file(part) for part in readable},
                gone=tuple(part.name for part in gone),
            )
        )


def _readable(part: Path) -> bool:
    try:
        pq.read_metadata(part)
    except (OSError, pa.ArrowException):
        return False
    return True


def _damaged(part: Path, reason: str) -> DamagedPart:
    fix = f"restore it from a backup; `{SETTLE} --approver ...` takes the parts as they are, on a named word"
    return DamagedPart(part, reason, fix)


def _recorded(audit: AuditLog) -> dict[str, str]:
    """File name and SHA-256 of each part, as the log has them."""
    recorded: dict[str, str] = {}
    for entry in audit.verified_entries("diagnoses", "diagnoses_adopted"):
        if entry.event == "diagnoses":
            written = DiagnosesRecorded.model_validate(entry.content, extra="ignore")
            recorded[written.part] = written.sha256
        else:
            adopted = DiagnosesAdopted.model_validate(entry.content, extra="ignore")
            recorded |= adopted.parts
            for name in adopted.gone:
                recorded.pop(name, None)
    return recorded
