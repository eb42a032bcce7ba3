"""Parts below a folder, each named with its hash by a record of the signed audit log.

A part is written under another name first, then its record, and then it gets its name: killed in between, a part that
has a record is taken by the next reader, and one that has none was never recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dermai.audit import AuditLog, Entry
from dermai.errors import DermaiError
from dermai.files import sha256_file, sync_folder
from dermai.prediction_log.order_of_writing import order_of
from dermai.prediction_log.part_records import (
    DiagnosesAdopted,
    DiagnosesRecorded,
    PredictionsAdopted,
    PredictionsRecorded,
    SortingsAdopted,
    SortingsRecorded,
)
from dermai.prediction_log.parts import DamagedPart

PENDING = ".pending"
Recorded = DiagnosesRecorded | PredictionsRecorded | SortingsRecorded
Adopted = DiagnosesAdopted | PredictionsAdopted | SortingsAdopted


@dataclass(frozen=True)
class SignedParts:
    """The parts that are as they were signed, in the order of writing, and what is wrong with the others."""

    sound: tuple[Path, ...]
    damaged: tuple[DamagedPart, ...]


@dataclass(frozen=True)
class SignedFolder:
    """`pattern` finds the parts below `folder`; `recorded` and `adopted` are the events that name them.

    `adopt` is the command by which a person takes them as they are. The caller holds the lock where parts are written.
    """

    folder: Path
    pattern: str
    audit: AuditLog
    recorded: type[Recorded]
    adopted: type[Adopted]
    what: str
    adopt: str

    def settle(self) -> None:
        """Put right what a killed process has left: a part without record goes, another gets its name."""
        pending = sorted(self.folder.glob(f"{self.pattern}{PENDING}"))
        known = self.known() if pending else {}
        for file in pending:
            part = file.with_suffix("")
            if known.get(self._name(part)) == sha256_file(file) and not part.exists():
                file.rename(part)
            else:
                file.unlink()

    def record(self, event: Recorded) -> Entry:
        """Write down parts that lie there under their other names, and give them their own.

        Raises:
            AuditLogDamaged: the audit log takes no record; nothing was recorded.
        """
        entry = self.audit.append(event)
        for name in event.parts:
            part = self.folder / name
            pending_of(part).rename(part)
            sync_folder(part.parent)
        return entry

    def known(self) -> dict[str, str]:
        """Name below the folder and SHA-256 of each part, as the log has them.

        Raises:
            AuditLogDamaged: the audit log does not verify.
        """
        found: dict[str, str] = {}
        written, taken = (kind.model_fields["event"].default for kind in (self.recorded, self.adopted))
        for entry in self.audit.verified_entries(written, taken):
            if entry.event == written:
                found |= self.recorded.model_validate(entry.content, extra="ignore").parts
            else:
                adopted = self.adopted.model_validate(entry.content, extra="ignore")
                found |= adopted.parts
                for name in adopted.gone:
                    found.pop(name, None)
        return found

    def compare(self) -> SignedParts:
        """The parts compared with their records: no edited, removed, exchanged or added part is taken unseen.

        Raises:
            AuditLogDamaged: the audit log does not verify, so no part can be compared with it.
        """
        known = self.known()
        sound, damaged = [], []
        unrecorded = sorted({self._name(part) for part in self.folder.glob(self.pattern)} - set(known))
        for name in sorted([*known, *unrecorded], key=lambda name: order_of(Path(name).name)):
            part = self.folder / name
            if not part.exists() and name in known:
                part = pending_of(part)
            if name not in known:
                damaged.append(self._damaged(self.folder / name, "no record of the audit log names it"))
            elif not part.is_file():
                damaged.append(self._damaged(self.folder / name, "it is gone"))
            elif sha256_file(part) != known[name]:
                damaged.append(self._damaged(part, "it is not what was recorded in the audit log"))
            else:
                sound.append(part)
        return SignedParts(tuple(sound), tuple(damaged))

    def take_as_they_are(self, *, approver: str, role: str, reason: str) -> Entry:
        """Take the parts as they are: those of earlier releases, which no record names, and what somebody answers for.

        What cannot be read is given up; its file is kept under another name.

        Raises:
            DermaiError: every part is as it was recorded.
        """
        self.settle()
        damaged = self.compare().damaged
        if not damaged:
            raise DermaiError(f"every part with {self.what} is as it was recorded: there is nothing to adopt")
        readable = [part.path for part in damaged if _readable(part.path)]
        gone = [part.path for part in damaged if part.path not in readable]
        for part in gone:
            if part.is_file():
                part.rename(part.with_name(f"{part.name}.unreadable"))
        return self.audit.append(
            self.adopted(
                approver=approver,
                role=role,
                reason=reason,
                parts={self._name(part): sha256_file(part) for part in readable},
                gone=tuple(self._name(part) for part in gone),
            )
        )

    def _name(self, part: Path) -> str:
        return str(part.relative_to(self.folder))

    def _damaged(self, part: Path, reason: str) -> DamagedPart:
        fix = f"restore it from a backup; `{self.adopt} --approver ...` takes the parts as they are, on a named word"
        return DamagedPart(part, reason, fix)


def pending_of(part: Path) -> Path:
    """The name that a part has until its record is written."""
    return part.with_name(part.name + PENDING)


def in_words(damaged: Iterable[DamagedPart]) -> tuple[str, ...]:
    """A sentence a part."""
    return tuple(str(part) for part in damaged)


def _readable(part: Path) -> bool:
    try:
        pq.read_metadata(part)
    except (OSError, pa.ArrowException):
        return False
    return True
