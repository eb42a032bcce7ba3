"""Which code is running can be said."""

from __future__ import annotations

from collections.abc import Iterator

from dermai.config import Params
from dermai.doctor.finding import Finding, ok, problem, warning
from dermai.errors import UntrustedClone
from dermai.workspace import Workspace, code_version


def check_code(workspace: Workspace, params: Params) -> Iterator[Finding]:
    """Git knows the commit: it stands in every record, and an update of a clone that git refuses does not begin."""
    try:
        found = code_version(workspace)
    except UntrustedClone as error:
        what, _, fix = str(error).partition(": ")
        yield problem("code", what, fix)
        return
    if found.commit == "unversioned":
        yield warning("code", "this is no git clone, so records cannot name the code", "work in a clone")
    else:
        yield ok("code", f"commit {found.commit[:12]}{', changed since' if found.dirty else ''}")
