"""A task of the schedule runs its command, and how it ended is a signed record."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dermai.audit import AuditLog
from dermai.cli.app import application
from dermai.config import ClockworkParams
from dermai.errors import DermaiError, InvalidParams
from dermai.files import locked
from dermai.promotion.status import read_status
from dermai.records.incidents import ScheduledRun
from dermai.records.log import records_of
from dermai.records.scheduled_run import COMMANDS, command_of, run_scheduled


def recorded(workspace):
    return [
        (record.body.task, record.body.exit_code) for record in records_of(AuditLog(workspace.audit_log), ScheduledRun)
    ]


def test_the_look_at_the_challenger_runs_and_is_recorded(workspace):
    done = CliRunner().invoke(application, ["run-scheduled", "shadow_look"])
    assert done.exit_code == 0, done.output
    assert recorded(workspace) == [("shadow_look", 0)]


def test_a_task_that_fails_is_recorded_and_ends_with_its_exit_code(workspace, monkeypatch):
    monkeypatch.setattr(
        "dermai.records.scheduled_run.command_of", lambda *_: [sys.executable, "-c", "raise SystemExit(7)"]
    )
    assert CliRunner().invoke(application, ["run-scheduled", "drift"]).exit_code == 7
    assert recorded(workspace) == [("drift", 7)]


def test_a_backup_without_a_place_is_refused_and_recorded_as_failed(workspace):
    with pytest.raises(InvalidParams, match=r"clockwork\.backup_folder is empty"):
        run_scheduled(workspace, ClockworkParams(), "backup")
    assert recorded(workspace) == [("backup", 1)]


def test_each_backup_is_a_new_folder():
    now = datetime(2026, 3, 1, 5, 30, tzinfo=UTC)
    command = command_of("backup", ClockworkParams(backup_folder="/mnt/backup"), now)
    assert Path(command[0]).name == "dermai"
    assert command[1:] == ["backup", "/mnt/backup/2026-03-01T053000"]


def test_a_task_that_still_runs_is_not_started_again(workspace):
    with locked(workspace.state / "scheduled-drift.lock"), pytest.raises(DermaiError, match="still runs"):
        run_scheduled(workspace, ClockworkParams(), "drift")
    assert recorded(workspace) == []


def test_every_command_of_the_schedule_is_installed():
    for task in COMMANDS:
        program = command_of(task, ClockworkParams(backup_folder="/mnt"), datetime.now(UTC))[0]
        assert Path(program).is_file(), program


def test_the_status_names_what_did_not_run(workspace, registry):
    from dermai.config import load_params

    started = datetime(2026, 3, 1, tzinfo=UTC)
    AuditLog(workspace.audit_log).append(ScheduledRun(task="drift", started=started, seconds=1.0, exit_code=0))
    (said,) = read_status(workspace, load_params(workspace.params_file)).not_run
    assert said.startswith("drift has not succeeded since 2026-03-01 00:00 UTC")
    assert "schedule    drift has not succeeded" in CliRunner().invoke(application, ["status"]).output
