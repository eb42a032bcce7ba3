"""How an update ended, as its records say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dermai.audit import Entry, Event
from dermai.records.incidents import Failure
from dermai.records.log import Record, read_record
from dermai.records.moves import Promotion, Refusal, RefusedUpdate
from dermai.records.update_record import NothingNew, UpdateAttempt, UpdateRecord

Result = Literal[
    "promoted",
    "rejected",
    "insufficient_evidence",
    "waits_for_approval",
    "held_back",
    "nothing_new",
    "superseded",
    "failed",
]


@dataclass(frozen=True)
class JobOutcome:
    """One attempt: its result, the version it made, its record where it came to one, and a sentence why."""

    result: Result
    version: str = ""
    record: UpdateRecord | None = None
    why: str = ""
    sequence: int | None = None


def job_outcome(entries: Sequence[Entry], commit: str) -> JobOutcome:
    """The newest attempt on a commit among the records that were written since the job began.

    A job without a record has failed before it could leave one.
    """
    records = [read_record(entry) for entry in entries]
    attempts = [record for record in records if _commit(record.body) == commit]
    if not attempts:
        return JobOutcome("failed", why="The job ended before an attempt was recorded: its log says why.")
    sequence, said = attempts[-1].sequence, attempts[-1].body
    match said:
        case Failure():
            return JobOutcome("failed", why=f"{said.step or 'the run'}: {said.why}", sequence=sequence)
        case RefusedUpdate():
            return JobOutcome("superseded", why=said.why, sequence=sequence)
        case UpdateAttempt():
            result, why = _what_followed(said, records)
            return JobOutcome(result, said.candidate.version, said, why, sequence)
        case NothingNew():
            return JobOutcome("nothing_new", record=said, sequence=sequence)
    raise AssertionError(f"{said.event} ends no update")


def _commit(said: Event) -> str | None:
    """The commit that an update was run on, where a record is how one ended."""
    return said.code.commit if isinstance(said, UpdateRecord | Failure | RefusedUpdate) else None


def _what_followed(attempt: UpdateAttempt, records: Sequence[Record[Event]]) -> tuple[Result, str]:
    if attempt.outcome == "reject":
        return "rejected", ""
    if attempt.outcome == "insufficient_evidence":
        return "insufficient_evidence", ""
    version, said = attempt.candidate.version, [record.body for record in records]
    if any(isinstance(each, Promotion) and each.version == version for each in said):
        return "promoted", ""
    refusals = [each.why for each in said if isinstance(each, Refusal) and each.version == version]
    return ("held_back", refusals[-1]) if refusals else ("waits_for_approval", "")
