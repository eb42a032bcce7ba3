"""An update that failed is recorded like any other attempt, and reported in one line."""

from __future__ import annotations

import re
import sys
from types import TracebackType

from dermai.audit import AuditLog, Entry
from dermai.errors import UntrustedClone
from dermai.records.incidents import Failure
from dermai.workspace import CodeVersion, Workspace, code_version, find_workspace

PHOTOGRAPH = re.compile(r"\b((?:images/[0-9a-f]{2}/)?)[0-9a-f]{64}\b")
PSEUDONYM = re.compile(r"\b[pcl][0-9a-f]{20}\b")
_reported: list[Entry] = []  # in this process


def write_failure(workspace: Workspace, error: BaseException, step: str, attempt: str = "") -> Entry:
    """One line in the audit log with the step and the reason; the champion is as it was."""
    try:
        code = code_version(workspace)
    except UntrustedClone:  # which is what the update died of, and what the record says
        code = CodeVersion(commit="unversioned", dirty=True)
    why = without_names(str(error))
    failure = Failure(attempt=attempt, step=step, error=type(error).__name__, why=why, code=code)
    return AuditLog(workspace.audit_log).append(failure)


def without_names(text: str) -> str:
    """A reason that names no photograph, patient, case or lesion: nothing is ever erased from the audit log.

    >>> without_names(f"images/ab/{'ab' * 32}.jpg of p0123456789abcdef0123 is missing")
    'images/ab/(a photograph).jpg of (a pseudonym) is missing'
    """
    return PSEUDONYM.sub("(a pseudonym)", PHOTOGRAPH.sub(r"\1(a photograph)", text))


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
