"""How an update ended, as its records say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dermai.audit import Entry
from dermai.audit.summary import version_of
from dermai.records.update_record import UpdateRecord

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


ENDS = ("update_attempt", "nothing_new", "failure")
UPDATE = "update"  # the action of a refusal to run one: a later commit has been learnt


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
    ours = [entry for entry in entries if (entry.body.get("code") or {}).get("commit") == commit]
    attempts = [entry for entry in ours if entry.event in ENDS or entry.body.get("action") == UPDATE]
    if not attempts:
        return JobOutcome("failed", why="The job ended before an attempt was recorded: its log says why.")
    attempt = attempts[-1]
    if attempt.event == "failure":
        step = attempt.body.get("step") or "the run"
        return JobOutcome("failed", why=f"{step}: {attempt.body.get('why', '')}", sequence=attempt.sequence)
    if attempt.event == "refusal":
        return JobOutcome("superseded", why=str(attempt.body["why"]), sequence=attempt.sequence)
    record = UpdateRecord.model_validate(attempt.body)
    if record.candidate is None:
        return JobOutcome("nothing_new", record=record, sequence=attempt.sequence)
    version = record.candidate.version
    result, why = _what_followed(record, [entry for entry in entries if version_of(entry) == version])
    return JobOutcome(result, version, record, why, attempt.sequence)


def _what_followed(record: UpdateRecord, entries: Sequence[Entry]) -> tuple[Result, str]:
    if record.outcome == "reject":
        return "rejected", ""
    if record.outcome == "insufficient_evidence":
        return "insufficient_evidence", ""
    if any(entry.event == "promotion" for entry in entries):
        return "promoted", ""
    refusals = [str(entry.body["why"]) for entry in entries if entry.event == "refusal"]
    return ("held_back", refusals[-1]) if refusals else ("waits_for_approval", "")
