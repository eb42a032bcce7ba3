"""One run of a task of the schedule: the same command that a person would give, and a signed record of how it ended."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from dermai.audit import AuditLog
from dermai.config import ClockworkParams, ScheduledTask
from dermai.errors import DermaiError, InvalidParams
from dermai.files import locked
from dermai.records.incidents import ScheduledRun
from dermai.workspace import Workspace

COMMANDS: Mapping[ScheduledTask, Sequence[str]] = {
    "triage": ("zenml", "pipeline", "run", "triage_cases"),
    "shadow_look": ("dermai", "shadow-look"),
    "drift": ("zenml", "pipeline", "run", "monitor_drift"),
    "backup": ("dermai", "backup"),
}


def command_of(task: ScheduledTask, params: ClockworkParams, now: datetime) -> list[str]:
    """What a task runs; a backup goes into a new folder each time.

    Raises:
        InvalidParams: nobody said where backups go.
    """
    program, *rest = COMMANDS[task]
    command = [str(Path(sys.executable).with_name(program)), *rest]
    if task == "backup":
        if not params.backup_folder:
            raise InvalidParams("clockwork.backup_folder is empty: name a folder on another disk or machine")
        command.append(str(Path(params.backup_folder) / f"{now:%Y-%m-%dT%H%M%S}"))
    return command


def run_scheduled(workspace: Workspace, params: ClockworkParams, task: ScheduledTask) -> int:
    """Run a task, write down how it ended, and return its exit code.

    A task that never starts is recorded too, as failed. The same task runs once at a time.

    Raises:
        DermaiError: the task still runs since the last time, or it cannot be started.
        AuditLogDamaged: the audit log takes no record.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    try:
        with locked(workspace.state / f"scheduled-{task}.lock", blocking=False):
            code = 1
            try:
                command = command_of(task, params, started)
                code = subprocess.run(command, cwd=workspace.root, check=False).returncode
            finally:
                seconds = round(time.monotonic() - clock, 1)
                AuditLog(workspace.audit_log).append(
                    ScheduledRun(task=task, started=started, seconds=seconds, exit_code=code)
                )
            return code
    except BlockingIOError:
        raise DermaiError(f"{task} still runs since the last time: it is not started a second time") from None
