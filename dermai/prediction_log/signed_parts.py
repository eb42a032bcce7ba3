"""Parts with confirmed diagnoses: none is edited, removed, exchanged or added unseen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dermai.audit import Entry
from dermai.files import locked, sha256_bytes
from dermai.prediction_log.log import CONFIRMATIONS, LOCK, PredictionLog
from dermai.prediction_log.part_records import DiagnosesAdopted, DiagnosesRecorded
from dermai.prediction_log.parts import write_part
from dermai.prediction_log.signed_folder import SignedFolder, SignedParts, pending_of


def diagnoses_of(log: PredictionLog) -> SignedFolder:
    """The folder of the parts."""
    return SignedFolder(
        folder=log.folder / CONFIRMATIONS,
        pattern="*.parquet",
        audit=log.audit,
        recorded=DiagnosesRecorded,
        adopted=DiagnosesAdopted,
        what="confirmed diagnoses",
        adopt="dermai audit adopt-diagnoses",
    )


@contextmanager
def recording(log: PredictionLog) -> Iterator[None]:
    """One process at a time records diagnoses; what a killed one has left is put right first."""
    with locked(log.folder / LOCK):
        diagnoses_of(log).settle()
        yield


def write_signed_part(log: PredictionLog, name: str, content: bytes, rows: int) -> None:
    """Write a part and its record; called within `recording`.

    Raises:
        PredictionLogError: the disk is full or read-only; nothing was recorded.
        AuditLogDamaged: the audit log takes no record; nothing was recorded.
    """
    parts = diagnoses_of(log)
    write_part(pending_of(parts.folder / name), content, "no diagnosis was recorded")
    parts.record(DiagnosesRecorded(part=name, sha256=sha256_bytes(content), rows=rows))


def signed_parts(log: PredictionLog) -> SignedParts:
    """The parts compared with their records.

    Raises:
        AuditLogDamaged: the audit log does not verify, so no part can be compared with it.
    """
    return diagnoses_of(log).compare()


def adopt_parts(log: PredictionLog, *, approver: str, role: str, reason: str) -> Entry:
    """Take the parts with diagnoses as they are, on a named person's word.

    Raises:
        DermaiError: every part is as it was recorded.
    """
    with locked(log.folder / LOCK):
        return diagnoses_of(log).take_as_they_are(approver=approver, role=role, reason=reason)
