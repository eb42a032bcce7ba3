"""The audit log verifies, holds the test-set ledger, and names answers and confirmed diagnoses as they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.doctor.finding import Finding, ok, problem, warning
from dermai.doctor.services import registry_answers
from dermai.gate.ledger_file import read_ledger_file
from dermai.prediction_log.confirmations import confirmation_problems
from dermai.prediction_log.log import PredictionLog
from dermai.promotion.recorded_models import registry_problem, served_problems
from dermai.records.clockwork import last_runs, overdue_tasks
from dermai.registry.registry import Registry
from dermai.workspace import Workspace


def check_records(workspace: Workspace, params: Params) -> Iterator[Finding]:
    """Every record is as it was written, and so is every answer and every confirmed diagnosis."""
    found = AuditLog(workspace.audit_log).verify()
    if found.problems:
        yield problem("records", found.problems[0], "dermai audit verify, then docs/operations.md: restore")
    else:
        yield ok("records", f"{len(found.entries)} records, all as they were written")
        answers = PredictionLog.of(workspace)
        named = {"diagnoses": confirmation_problems(answers), "answers": answers.problems()}
        for check, parts in named.items():
            for part in parts:
                what, _, fix = part.partition("; ")
                yield problem(check, what, fix)


def check_models(workspace: Workspace, params: Params) -> Iterator[Finding]:
    """The registry's aliases name the versions that the records name, and what is served of them is as recorded."""
    if not Registry.exists(workspace) or not registry_answers(workspace):
        return  # the check of the registry says so
    audit, registry = AuditLog(workspace.audit_log), Registry(workspace, params)
    moved = registry_problem(audit, registry.versions())
    if moved:
        yield problem("models", moved, "dermai status names the next step")
        return
    served = served_problems(audit, registry)
    for text in served:
        what, _, fix = text.partition(": ")
        yield problem("models", what, fix)
    if not served:
        yield ok("models", "champion, challenger and anchor are those of the records")


def check_ledger(workspace: Workspace, params: Params) -> Iterator[Finding]:
    """The ledger file of an earlier release is taken over, or will be."""
    if not workspace.ledger.is_file():
        return
    if AuditLog(workspace.audit_log).entries("ledger_takeover", "test_set_use"):
        yield ok("ledger", f"in the audit log; {workspace.ledger.name} of an earlier release decides nothing more")
        return
    _, unreadable = read_ledger_file(workspace.ledger)
    if unreadable:
        what = f"{workspace.ledger}, of an earlier release, is damaged: line {unreadable[0]} cannot be read"
        yield problem("ledger", what, "put the file back from a backup, or run dermai gate take-over-ledger")
    else:
        what = f"{workspace.ledger} is of an earlier release, and not in the audit log yet"
        yield warning("ledger", what, "the next update takes it over")


def check_schedule(workspace: Workspace, params: Params) -> Iterator[Finding]:
    """What is to run by itself did so in time. Where nothing ever ran on the schedule there is none."""
    audit = AuditLog(workspace.audit_log)
    late = overdue_tasks(audit, params.clockwork, datetime.now(UTC))
    for text in late:
        what, _, fix = text.partition(": ")
        yield problem("schedule", what, fix)
    runs = last_runs(audit)
    missing = [task for task, hours in params.clockwork.latest_hours.items() if hours and task not in runs]
    if runs and missing:
        names = ", ".join(name.replace("_", " ") for name in missing)
        fix = "enable its timer (docs/operations.md), or set clockwork.latest_hours to 0 for it"
        yield warning("schedule", f"never ran: {names}", fix)
    elif runs and not late:
        yield ok("schedule", "every task ran in time")
