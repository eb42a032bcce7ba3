"""Backups that hold a patient: they are named, and dropped once a newer one holds everything but the patient."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from dermai.backup.contents import MANIFEST, Manifest, read_manifest, remove_backup
from dermai.errors import DermaiError
from dermai.withdrawal.kept import KeptPlaces
from dermai.withdrawal.removals import Removal
from dermai.withdrawal.search import files_below, find_traces
from dermai.withdrawal.traces import Traces


@dataclass(frozen=True)
class HeldBackup:
    """A backup, when it was taken, of which audit log, and whether the patient is in it."""

    folder: Path
    taken: str
    log: str
    holds: bool


def backups_below(folders: Sequence[Path], kept: KeptPlaces, traces: Traces) -> list[HeldBackup]:
    """The backups in these folders, or that are these folders, oldest first.

    What stays in the workspace stays in a backup: the audit log, the withdrawals, the access log.
    """
    found = []
    for backup in {path for folder in folders for path in (folder, *_below(folder)) if (path / MANIFEST).is_file()}:
        try:
            manifest = Manifest.model_validate_json((backup / MANIFEST).read_bytes())
        except ValidationError:
            continue  # the manifest of another program
        holds = any(True for _ in finds_in_backup(backup, kept, traces))
        found.append(HeldBackup(backup, manifest.taken, manifest.audit_log, holds))
    return sorted(found, key=lambda backup: backup.taken)


def finds_in_backup(backup: Path, kept: KeptPlaces, traces: Traces) -> Iterator[Path]:
    """The files of a backup that hold the patient."""
    for file in files_below(backup):
        name = file.relative_to(backup)
        below = Path(*name.parts[1:])  # `files/`
        if name == Path(MANIFEST) or any(below.is_relative_to(kept_name) for kept_name in kept.in_backups):
            continue
        tables = kept.tables(kept.database) if name.name == kept.database.name else ()
        if find_traces(file, traces, tables):
            yield file


def dropped(backups: Sequence[HeldBackup], logs: Collection[str]) -> Iterator[Removal]:
    """The backups with the patient, where a newer one is whole and without.

    `logs` are the audit logs of this workspace: what was saved of another is neither dropped nor takes a place.

    Raises:
        DermaiError: there is no such newer backup, so one would be left with none.
    """
    ours = [backup for backup in backups if backup.log in logs]
    holding = [backup for backup in ours if backup.holds]
    if not holding:
        return
    clean = [backup for backup in ours if not backup.holds and backup.taken >= holding[-1].taken]
    if not clean:
        raise DermaiError("take a new backup first (`dermai backup FOLDER`): the ones that there are hold the patient")
    read_manifest(clean[-1].folder)
    for backup in holding:
        yield Removal(
            str(backup.folder),
            f"a backup of {backup.taken} with the patient; that of {clean[-1].taken} takes its place",
            partial(remove_backup, backup.folder),
        )


def _below(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if path.is_dir())
