"""The worklist to work from: every referred case with what was signed about it, kept in the process between pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from threading import Lock
from typing import Literal

import pandas as pd

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.data.pseudonyms import Pseudonyms
from dermai.prediction_log.confirmations import read_entries
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import WRITTEN
from dermai.prediction_log.referred_photographs import ReferredPhotographs
from dermai.prediction_log.retakes import ASKED_BY, read_retakes
from dermai.prediction_log.sortings import read_sortings
from dermai.prediction_log.standing_diagnoses import AGREES, SENT_BY
from dermai.promotion.standing import champion_standing
from dermai.triage.cases_to_read import CaseToRead, ModelAnswer, cases_to_read, in_order_of_arrival
from dermai.workspace import Workspace

State = Literal["open", "read", "photograph again"]


@dataclass(frozen=True)
class SignedDiagnosis:
    """A diagnosis that was signed, or came in a file or by a token.

    `agrees` marks a second opinion that changes nothing; `sent_by` is how the token begins.
    """

    diagnosis: str
    confirmed_by: str
    signed_by: str
    note: str
    recorded_at: datetime
    written: int
    agrees: bool
    sent_by: str = ""


@dataclass(frozen=True)
class Asked:
    """A reader's wish for another photograph."""

    reason: str
    by: str
    at: datetime


@dataclass(frozen=True)
class ReadingList:
    """All referred cases in clinical order with their state. `withheld` says why no model's answer is shown.

    `problems` are sentences about parts of the log that are not as they were recorded.
    """

    cases: tuple[CaseToRead, ...]
    entries: Mapping[tuple[str, str], tuple[SignedDiagnosis, ...]]  # by case and lesion, in the order of writing
    asked: Mapping[str, Asked]
    withheld: str = ""
    problems: tuple[str, ...] = ()

    @cached_property
    def by_id(self) -> Mapping[str, CaseToRead]:
        """The cases by their pseudonym."""
        return {case.case_id: case for case in self.cases}

    @cached_property
    def of_patient(self) -> Mapping[str, tuple[CaseToRead, ...]]:
        """The cases of each patient, the earliest first."""
        found: dict[str, list[CaseToRead]] = {}
        for case in self.cases:
            found.setdefault(case.patient_id or f"case {case.case_id}", []).append(case)
        return {patient: tuple(sorted(cases, key=lambda case: case.referred_at)) for patient, cases in found.items()}

    @cached_property
    def states(self) -> Mapping[str, State]:
        """What is to be done with each case."""
        return {case.case_id: self._state(case) for case in self.cases}

    @cached_property
    def read_at(self) -> Mapping[str, datetime]:
        """When each read case was read for the last time."""
        newest: dict[str, datetime] = {}
        for (case, _), entries in self.entries.items():
            newest[case] = max(entries[-1].recorded_at, newest.get(case, entries[-1].recorded_at))
        return {case: newest[case] for case, state in self.states.items() if state == "read"}

    def newest(self, case_id: str, lesion_id: str) -> SignedDiagnosis | None:
        """The diagnosis of a lesion that counts: the newest that is more than an agreeing second opinion."""
        changes = [entry for entry in self.entries.get((case_id, lesion_id), ()) if not entry.agrees]
        return changes[-1] if changes else None

    def known_until(self, case_id: str, lesion_id: str) -> int:
        """`written` of the newest entry about a lesion, 0 where there is none."""
        entries = self.entries.get((case_id, lesion_id), ())
        return entries[-1].written if entries else 0

    def answer(self, case: CaseToRead) -> ModelAnswer | None:
        """What the model said, where it may be shown: not where it is withheld, nor before a case that is to be decided
        without it is signed.

        Each lesion must have its reading.
        """
        hidden = self.withheld or (case.without_answer and self._unread(case))
        return None if hidden else case.answer

    def earlier_visits(self, case: CaseToRead) -> tuple[CaseToRead, ...]:
        """The other cases of the same patient, the newest first."""
        if not case.patient_id:
            return ()
        return tuple(other for other in reversed(self.of_patient[case.patient_id]) if other.case_id != case.case_id)

    def _state(self, case: CaseToRead) -> State:
        """A case waits for a photograph that was asked for after the last one came in, and after it was read."""
        asked, unread = self.asked.get(case.case_id), self._unread(case)
        before = [photograph.came_in for photograph in case.photographs]
        if not unread:
            before += [self.entries[case.case_id, lesion][-1].recorded_at for lesion in case.lesions]
        if asked is not None and asked.at > max(before):
            return "photograph again"
        return "open" if unread else "read"

    def _unread(self, case: CaseToRead) -> bool:
        """Read is a case whose every lesion was read after its last photograph came in, in the order of writing."""
        return any(
            self.known_until(case.case_id, lesion) <= max(photo.first_seen for photo in case.of_lesion(lesion))
            for lesion in case.lesions
        )


@dataclass
class ReadingLists:
    """The newest `ReadingList` of a workspace, made anew only when its log has changed."""

    workspace: Workspace
    pseudonyms: Pseudonyms
    _lock: Lock = field(default_factory=Lock)
    _key: object = None
    _list: ReadingList | None = None
    _cases: tuple[object, tuple[CaseToRead, ...]] = (None, ())
    _photographs: ReferredPhotographs | None = None

    def now(self, params: Params) -> ReadingList:
        """As the log stands now.

        Raises:
            AuditLogDamaged: the audit log, which names each part of the log, does not verify.
        """
        log = PredictionLog.of(self.workspace)
        with self._lock:
            key = (_changed(log), params.triage.largest_set, params.triage.hidden, datetime.now(UTC).date())
            if self._list is None or key != self._key:
                self._list, self._key = self._made(log, params), key
            return self._list

    def _made(self, log: PredictionLog, params: Params) -> ReadingList:
        photographs = self._photographs = self._photographs or ReferredPhotographs(log)
        table = photographs.table()
        sorted_parts = tuple(sorted(path.name for path in log.sortings.folder.glob("*.parquet")))
        largest_set, hidden = params.triage.largest_set, params.triage.hidden
        key = (id(table), sorted_parts, largest_set, hidden)
        if self._cases[0] != key:
            sortings = read_sortings(log)[0]
            self._cases = (key, cases_to_read(table, sortings, self.pseudonyms, largest_set, hidden))
        entries, damaged = read_entries(log)
        standing = champion_standing(AuditLog(self.workspace.audit_log))
        withheld = standing.withheld() if standing else ""
        return ReadingList(
            cases=in_order_of_arrival(self._cases[1]) if withheld else self._cases[1],
            entries=entries_by_lesion(entries),
            asked=wishes(read_retakes(log)[0]),
            withheld=withheld,
            problems=tuple(map(str, damaged)),
        )


def entries_by_lesion(entries: pd.DataFrame) -> dict[tuple[str, str], tuple[SignedDiagnosis, ...]]:
    """Rows of `read_entries` by case and lesion."""
    of_entry = ["diagnosis", "confirmed_by", "signed_by", "note", "recorded_at", WRITTEN, AGREES, SENT_BY]
    found: dict[tuple[str, str], list[SignedDiagnosis]] = {}
    rows = entries[["case_id", "lesion_id", *of_entry]].itertuples(index=False)
    for case, lesion, diagnosis, kind, who, note, at, written, agrees, sent_by in rows:
        entry = SignedDiagnosis(
            diagnosis, kind or "", who, note, at.to_pydatetime(), int(written), bool(agrees), sent_by
        )
        found.setdefault((case, lesion), []).append(entry)
    return {key: tuple(of_lesion) for key, of_lesion in found.items()}


def wishes(retakes: pd.DataFrame) -> dict[str, Asked]:
    """The newest wish of a reader for each case, from `read_retakes`."""
    asked = retakes[retakes[ASKED_BY] != ""]
    return {
        row["case_id"]: Asked(row["reason"], row[ASKED_BY], row["asked_at"].to_pydatetime())
        for row in asked.to_dict("records")
    }


def _changed(log: PredictionLog) -> tuple[object, ...]:
    """Differs whenever something was recorded: each part of the log has its line in the audit log, but for retakes."""
    found: list[object] = []
    for path in (log.audit.path, log.folder / "retakes"):
        try:
            status = path.stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)
