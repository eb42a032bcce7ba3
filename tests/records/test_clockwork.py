"""Which task of the schedule did not run in time."""

from datetime import UTC, datetime, timedelta

import pytest

from dermai.audit import AuditLog
from dermai.config import ClockworkParams, Params
from dermai.doctor.records import check_schedule
from dermai.records.clockwork import overdue_tasks
from dermai.records.incidents import ScheduledRun
from monitoring.notices import clockwork_notices

NOW = datetime.now(UTC)
PARAMS = ClockworkParams()


@pytest.fixture
def audit(workspace):
    return AuditLog(workspace.audit_log)


def ran(audit, task, hours_ago, exit_code=0):
    started = NOW - timedelta(hours=hours_ago)
    audit.append(ScheduledRun(task=task, started=started, seconds=3.0, exit_code=exit_code))


def test_where_nothing_ever_ran_on_the_schedule_nothing_is_expected(workspace, audit):
    assert overdue_tasks(audit, PARAMS, NOW) == ()
    assert list(check_schedule(workspace, Params())) == []


def test_a_task_that_ran_in_time_is_not_named_and_one_that_did_not_is(workspace, audit):
    ran(audit, "triage", 3)
    ran(audit, "drift", 40)
    (said,) = overdue_tasks(audit, PARAMS, NOW)
    assert said.startswith(f"drift has not succeeded since {NOW - timedelta(hours=40):%Y-%m-%d %H:%M} UTC: systemctl")
    assert "dermai-drift.timer" in said
    assert clockwork_notices(workspace, PARAMS)[0].sentences == (said,)
    states = {finding.state: finding.what for finding in check_schedule(workspace, Params())}
    assert states["problem"].startswith("drift has not succeeded")
    assert states["warning"] == "never ran: shadow look, backup"


def test_a_run_that_fails_is_no_success_and_is_said(audit):
    ran(audit, "backup", 50)
    ran(audit, "backup", 2, exit_code=1)
    assert ", its last run failed: systemctl status dermai-backup.timer" in overdue_tasks(audit, PARAMS, NOW)[0]
    ran(audit, "backup", 1)
    assert overdue_tasks(audit, PARAMS, NOW) == ()


def test_one_that_never_succeeded_is_named_when_its_time_is_over(audit):
    ran(audit, "shadow_look", 10, exit_code=2)
    assert overdue_tasks(audit, PARAMS, NOW) == ()
    ran(audit, "shadow_look", 1, exit_code=2)
    assert overdue_tasks(audit, PARAMS, NOW + timedelta(hours=20))[0].startswith("shadow look never succeeded")


def test_what_is_not_run_here_is_not_expected(audit):
    ran(audit, "drift", 400)
    assert overdue_tasks(audit, ClockworkParams(latest_hours={"drift": 0}), NOW) == ()
