"""The test-set ledger as the signed log has it, and how the file of an earlier release is taken over into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dermai.audit import AuditLog
from dermai.errors import DermaiError
from dermai.files import locked, sha256_file
from dermai.gate.ledger import Emptied, LedgerLine, Lines, Result, Use, result_of
from dermai.gate.ledger_file import read_ledger_file
from dermai.promotion.exclusive import check_log, lock_file
from dermai.promotion.history import records_lost
from dermai.promotion.rules import check_named
from dermai.records.log import records_of
from dermai.records.reassessment import Reassessment
from dermai.records.test_set_ledger import LedgerResult, LedgerTakeover, LedgerUse
from dermai.records.update_record import UpdateAttempt
from dermai.workspace import Workspace

TAKE_OVER = 'dermai gate take-over-ledger --approver "NAME" --role "ROLE" --reason "WHY"'


class LedgerDamaged(DermaiError):
    """The ledger file of an earlier release cannot be taken over as it is."""


def ledger_lines(audit: AuditLog) -> Lines:
    """Every line of the ledger, oldest first: a pure function of the audit log.

    Where records were lost, any of them may have spent the budget, on any patient: then nothing is left.
    """
    lines: list[LedgerLine] = []
    for takeover in records_of(audit, LedgerTakeover):
        lines += takeover.body.lines
    placed: list[tuple[int, LedgerLine]] = [(number, Emptied(patients_too=True)) for number, _ in records_lost(audit)]
    placed += [(record.sequence, record.body.use) for record in records_of(audit, LedgerUse)]
    placed += [(record.sequence, record.body.result) for record in records_of(audit, LedgerResult)]
    return [*lines, *(line for _, line in sorted(placed, key=lambda one: one[0]))]


def take_over(workspace: Workspace, audit: AuditLog) -> None:
    """Bring the ledger of an earlier release into the log; nothing happens where there is none, or it was done before.

    The caller holds the lock and has checked the log.

    Raises:
        LedgerDamaged: part of the file cannot be read, or the records of attempts contradict it.
    """
    found = _earlier(workspace, audit)
    if found is None:
        return
    if found.problem:
        raise LedgerDamaged(found.problem)
    if found.lines or found.file_sha256:
        audit.append(LedgerTakeover(file_sha256=found.file_sha256, lines=found.lines))


def take_over_damaged(workspace: Workspace, *, approver: str, role: str, reason: str) -> LedgerTakeover:
    """Take over what is left of a damaged file, on a named person's word: the budget of its patients is empty then.

    Raises:
        Refused: who, in which role, or why is empty.
        DermaiError: there is nothing to take over.
    """
    check_named(approver, role, reason)
    audit = AuditLog(workspace.audit_log)
    with locked(lock_file(workspace)):
        check_log(audit)
        found = _earlier(workspace, audit)
        if found is None or not (found.lines or found.file_sha256):
            raise DermaiError("the ledger is in the audit log already, there is nothing to take over: `dermai status`")
        record = LedgerTakeover(
            file_sha256=found.file_sha256,
            lines=(*found.lines, Emptied()) if found.problem else found.lines,
            unreadable=found.unreadable,
            contradicted=found.contradicted,
            approver=approver.strip(),
            role=role.strip(),
            reason=reason.strip(),
        )
        audit.append(record)
        return record


def ledger_problem(workspace: Workspace, audit: AuditLog) -> str:
    """Why the ledger of an earlier release cannot be taken over; empty where it can, or there is none."""
    found = _earlier(workspace, audit)
    return found.problem if found else ""


@dataclass(frozen=True)
class _Earlier:
    """What an earlier release left: lines in order, and what is wrong with its file."""

    file_sha256: str
    lines: tuple[LedgerLine, ...]
    unreadable: tuple[int, ...] = ()
    contradicted: tuple[int, ...] = ()
    problem: str = ""


def _earlier(workspace: Workspace, audit: AuditLog) -> _Earlier | None:
    """None where the log holds a ledger already: then no file counts."""
    if audit.entries("ledger_takeover", "test_set_use"):
        return None
    file, recorded = workspace.ledger, _recorded(audit)
    if not file.is_file():
        return _Earlier("", _in_order({}, recorded))
    lines, unreadable = read_ledger_file(file)
    of_file = {line.number: (line, result_of(lines, line)) for line in lines if isinstance(line, Use)}
    contradicted = tuple(
        sequence for number, (use, result, sequence) in recorded.items() if not _agree(of_file.get(number), use, result)
    )
    problems = [f"line {place} cannot be read" for place in unreadable]
    problems += [f"record {sequence} of the audit log says otherwise" for sequence in contradicted]
    problem = ""
    if problems:
        problem = (
            f"the ledger of an earlier release, {file}, is damaged ({problems[0]}): put the file back from a backup, "
            f"or run `{TAKE_OVER}`, after which its test patients have no error budget left and new ones renew it"
        )
    return _Earlier(sha256_file(file), _in_order(of_file, recorded), unreadable, contradicted, problem)


def _recorded(audit: AuditLog) -> dict[int, tuple[Use, Result, int]]:
    """The uses that signed records of decisions hold, by number, with their result and the record's number."""
    found: dict[int, tuple[Use, Result, int]] = {}
    for record in records_of(audit, UpdateAttempt, Reassessment):
        test_set = record.body.test_set
        if test_set is not None and test_set.use.number not in found:
            number = test_set.use.number
            result = Result(number=number, at=record.time, outcome=record.body.outcome)
            found[number] = (test_set.use, result, record.sequence)
    return found


def _agree(of_file: tuple[Use, Result | None] | None, use: Use, result: Result) -> bool:
    """Whether the file has the use that a record holds, and no other result of it."""
    return of_file is not None and of_file[0] == use and (of_file[1] is None or of_file[1].outcome == result.outcome)


def _in_order(
    of_file: Mapping[int, tuple[Use, Result | None]], recorded: Mapping[int, tuple[Use, Result, int]]
) -> tuple[LedgerLine, ...]:
    """Uses and results by number; where a record holds a use, the record's."""
    lines: list[LedgerLine] = []
    for number in sorted({*of_file, *recorded}):
        use, result = recorded[number][:2] if number in recorded else of_file[number]
        lines += [use, result] if result is not None else [use]
    return tuple(lines)
