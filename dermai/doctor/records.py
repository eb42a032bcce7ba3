"""The audit log verifies."""

from __future__ import annotations

from collections.abc import Iterator

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.doctor.finding import Finding, ok, problem
from dermai.workspace import Workspace


def check_records(workspace: Workspace, params: Params) -> Iterator[Finding]:
    """Every record is as it was written."""
    found = AuditLog(workspace.audit_log).verify()
    if found.problems:
        yield problem("records", found.problems[0], "dermai audit verify, then docs/operations.md: restore")
    else:
        yield ok("records", f"{len(found.entries)} records, all as they were written")
