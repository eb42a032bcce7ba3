"""All checks, in the order in which a person would fix things."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dermai.config import Params
from dermai.doctor.code import check_code
from dermai.doctor.finding import Finding, problem
from dermai.doctor.machine import check_clock, check_disk, check_folders, check_keys
from dermai.doctor.records import check_ledger, check_models, check_records, check_schedule
from dermai.doctor.services import check_data_remote, check_registry, check_zenml_server
from dermai.doctor.telemetry import check_telemetry
from dermai.doctor.versions import check_versions
from dermai.workspace import Workspace

Check = Callable[[Workspace, Params], Iterator[Finding]]
CHECKS: tuple[tuple[str, Check], ...] = (
    ("versions", check_versions),
    ("code", check_code),
    ("telemetry", check_telemetry),
    ("disk", check_disk),
    ("folders", check_folders),
    ("keys", check_keys),
    ("registry", check_registry),
    ("data remote", check_data_remote),
    ("ZenML server", check_zenml_server),
    ("clock", check_clock),
    ("records", check_records),
    ("models", check_models),
    ("ledger", check_ledger),
    ("schedule", check_schedule),
)


def examine(workspace: Workspace, params: Params) -> Iterator[Finding]:
    """Run every check, whatever the others find; one that fails itself is a problem too."""
    for name, check in CHECKS:
        try:
            yield from check(workspace, params)
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            yield problem(name, f"could not be checked: {reason or type(error).__name__}", "fix this first")
