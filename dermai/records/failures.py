"""An update that failed is recorded like any other attempt, and reported in one line."""

from __future__ import annotations

import sys
from types import TracebackType

from dermai.audit import AuditLog, Entry
from dermai.errors import UntrustedClone
from dermai.records.incidents import Failure
from dermai.workspace import CodeVersion, Workspace, code_version, find_workspace

_reported: list[Entry] = []  # in this process


def write_failure(workspace: Workspace, error: BaseException, step: str, attempt: str = "") -> Entry:
    """One line in the audit log with the step and the reason; the champion is as it was."""
    try:
        code = code_version(workspace)
    except UntrustedClone:  # which is what the update died of, and what the record says
        code = CodeVersion(commit="unversioned", dirty=True)
    failure = Failure(attempt=attempt, step=step, error=type(error).__name__, why=str(error), code=code)
    return AuditLog(workspace.audit_log).append(failure)


def tell_failure(error: BaseException, step: str, attempt: str = "") -> None:
    """Write it down, and one line on the terminal below whatever traceback is there."""
    _reported.append(write_failure(find_workspace(), error, step, attempt))
    where = f" in {step}" if step else ""
    reason = " ".join(str(error).split())[:500]
    print(f"dermai: the update stopped{where}: {reason}; `dermai status` shows where things are", file=sys.stderr)


def tell_failures_outside_the_run() -> None:
    """From now on, a process reports the error that it dies of, unless its pipeline has: ZenML's server may be gone."""
    earlier = sys.excepthook

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        earlier(kind, error, trace)
        if issubclass(kind, Exception) and not _reported:
            tell_failure(error, "")

    sys.excepthook = report
