"""`dermai retention`: what was kept as long as `retention:` in params.yaml says, and when the rest may go."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from dermai.audit import AuditLog, Entry
from dermai.backup.contents import MANIFEST, Manifest, remove_backup
from dermai.config import Params
from dermai.errors import InvalidParams
from dermai.files import locked
from dermai.inbox.entries import Inbox
from dermai.prediction_log.erasing import replace_parts
from dermai.prediction_log.log import LOCK, PredictionLog
from dermai.prediction_log.order_of_writing import time_of
from dermai.prediction_log.signed_folder import SignedFolder
from dermai.promotion.exclusive import check_log, lock_file
from dermai.records.withdrawals import RetentionApplied
from dermai.triage.missed_cancer import incidents_folder
from dermai.triage.scoring import triage_folder
from dermai.withdrawal.removals import delete
from dermai.workspace import Workspace

PAIRED = (".index", ".data")  # of a cache: the one is of no use without the other


@dataclass(frozen=True)
class KeptUntil:
    """Something that is kept for a time: under which rule, from when until when, and how it goes."""

    rule: str
    place: str
    since: datetime
    until: datetime
    files: int
    bytes: int
    remove: Callable[[], object]

    def due(self, now: datetime) -> bool:
        """Whether it may go."""
        return self.until <= now


@dataclass(frozen=True)
class Retention:
    """The rules of a workspace. `approver`, `role` and `reason` are asked for where something is deleted."""

    workspace: Workspace
    params: Params
    approver: str = ""
    role: str = ""
    reason: str = ""

    def everything(self) -> list[KeptUntil]:
        """All that a rule is about, the longest due first; what is kept without end is not among it."""
        return sorted(self._found(), key=lambda kept: (kept.until, kept.place))

    def apply(self, now: datetime) -> Entry | None:
        """Delete what is due, and record how much that was; None where nothing is.

        Raises:
            InvalidParams: nobody answers for it.
            AuditLogDamaged: the audit log takes no record; nothing was deleted.
        """
        if not all(text.strip() for text in (self.approver, self.role, self.reason)):
            raise InvalidParams("deleting needs a named person: --approver, --role and --reason")
        due = [kept for kept in self.everything() if kept.due(now)]
        if not due:
            return None
        audit = AuditLog(self.workspace.audit_log)
        with locked(lock_file(self.workspace)):
            check_log(audit)
        files: Counter[str] = Counter()
        for kept in due:
            kept.remove()
            files[kept.rule] += kept.files
        said = {"approver": self.approver, "role": self.role, "reason": self.reason}
        size = sum(kept.bytes for kept in due)
        return audit.append(RetentionApplied(files=dict(files), bytes=size, **said))

    def _found(self) -> Iterator[KeptUntil]:
        here, rules = self.workspace, self.params.retention
        log, folder = PredictionLog.of(here), partial(shutil.rmtree, ignore_errors=True)
        yield from self._of("quarantine", rules.quarantine_days, _folders(here.quarantine), folder)
        yield from self._of("inbox", rules.inbox_days, Inbox.of(here).filed_files(), delete)
        photographs = sorted((triage_folder(here) / "images").glob("??/*.jpg"))
        yield from self._of("referral_photographs", rules.referral_photographs_days, photographs, delete)
        for signed in (log.answers, log.sortings):
            parts = sorted(signed.folder.glob(signed.pattern))
            drop = partial(self._drop, signed, log.folder / LOCK)
            yield from self._of("predictions", rules.predictions_days, parts, drop, _written)
        runs = [run for pipeline in _folders(here.reports) if pipeline.name != incidents_folder(here).name
                for run in _folders(pipeline)]  # fmt: skip
        yield from self._of("reports", rules.reports_days, runs, folder)
        yield from self._of("cache", rules.cache_days, _cache_files(here.cache), _drop_cache, _used)
        yield from self._backups()

    def _of(
        self,
        rule: str,
        days: int,
        places: Sequence[Path],
        remove: Callable[[Path], object],
        since: Callable[[Path], datetime] | None = None,
    ) -> Iterator[KeptUntil]:
        for place in places if days else ():
            began, files = (since or _newest)(place), _files(place)
            size = sum(file.stat().st_size for file in files)
            until = began + timedelta(days=days)
            yield KeptUntil(rule, str(place), began, until, len(files), size, partial(remove, place))

    def _backups(self) -> Iterator[KeptUntil]:
        rules, folder = self.params.retention, self.params.clockwork.backup_folder
        taken = {path: when for path in _folders(Path(folder)) if (when := _taken(path))} if folder else {}
        old = sorted(taken, key=lambda path: taken[path])[: -rules.newest_backups]
        yield from self._of("backups", rules.backups_days, old, remove_backup, lambda path: taken[path])

    def _drop(self, folder: SignedFolder, lock: Path, part: Path) -> None:
        replace_parts(folder, lock, {part: None}, approver=self.approver, role=self.role, reason=self.reason)


def _folders(place: Path) -> list[Path]:
    return sorted(path for path in place.glob("*") if path.is_dir() and not path.is_symlink())


def _files(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.is_file()] if place.is_dir() else [place]


def _newest(place: Path) -> datetime:
    return _moment(max((file.stat().st_mtime for file in _files(place)), default=place.stat().st_mtime))


def _used(file: Path) -> datetime:
    both = [file.with_suffix(suffix) for suffix in PAIRED] if file.suffix in PAIRED else [file]
    there = [path.stat() for path in both if path.exists()]
    return _moment(max(max(found.st_mtime, found.st_atime) for found in there))


def _written(part: Path) -> datetime:
    return time_of(part.name)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _cache_files(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file() and path.suffix != ".lock")


def _drop_cache(file: Path) -> None:
    for suffix in PAIRED if file.suffix in PAIRED else (file.suffix,):
        delete(file.with_suffix(suffix))


def _taken(backup: Path) -> datetime | None:
    try:
        return datetime.fromisoformat(Manifest.model_validate_json((backup / MANIFEST).read_bytes()).taken)
    except (OSError, ValidationError, ValueError):
        return None
