"""What was kept long enough goes when a named person says so, and nothing else."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.errors import AuditLogDamaged, InvalidParams
from dermai.prediction_log.log import PredictionLog
from dermai.withdrawal.retention import Retention
from dermai.workspace import Workspace

NOW = datetime.now(UTC)


def rules(hospital: tuple[Workspace, Params], **named: str) -> Retention:
    return Retention(*hospital, **named)


def test_nothing_is_due_when_it_was_just_kept_and_each_kind_says_until_when(hospital) -> None:
    found = rules(hospital).everything()
    assert {kept.rule for kept in found} == {
        "quarantine", "inbox", "referral_photographs", "predictions", "reports", "cache",
    }  # fmt: skip
    assert not [kept for kept in found if kept.due(NOW + timedelta(days=1))]
    quarantine = next(kept for kept in found if kept.rule == "quarantine")
    assert (quarantine.until - quarantine.since).days == 90


def test_what_is_due_goes_with_a_signed_record_and_the_log_still_verifies(hospital) -> None:
    workspace, _ = hospital
    answers = rules(hospital, approver="Ana Silva", role="data protection officer", reason="ten years")
    assert answers.apply(NOW) is None
    entry = answers.apply(NOW + timedelta(days=3700))
    assert entry.body["files"]["predictions"] >= 1
    log = PredictionLog.of(workspace)
    assert log.model_versions() == () or not log.parts("1")
    assert log.problems() == ()
    assert not list((workspace.state / "triage").rglob("*.jpg"))
    assert workspace.cases_file.is_file()
    assert AuditLog(workspace.audit_log).verify().ok


def test_deleting_needs_a_named_person_and_a_rule_of_0_keeps(hospital) -> None:
    with pytest.raises(InvalidParams, match="--approver"):
        rules(hospital).apply(NOW)
    workspace, params = hospital
    kept = params.model_copy(update={"retention": params.retention.model_copy(update={"inbox_days": 0})})
    assert "inbox" not in {found.rule for found in Retention(workspace, kept).everything()}


def test_the_newest_backups_are_kept_whatever_their_age(hospital) -> None:
    workspace, params = hospital
    folder = Path(params.clockwork.backup_folder)
    manifest = (folder / "2026-03-01" / "manifest.json").read_text()
    for number in range(2, 5):
        (folder / str(number)).mkdir()
        (folder / str(number) / "manifest.json").write_text(manifest)
        os.utime(folder / str(number))
    few = params.model_copy(update={"retention": params.retention.model_copy(update={"newest_backups": 3})})
    assert [found.rule for found in Retention(workspace, few).everything()].count("backups") == 1


def test_nothing_goes_while_the_log_takes_no_record(hospital) -> None:
    workspace, _ = hospital
    log = AuditLog(workspace.audit_log).path
    log.write_bytes(log.read_bytes()[:-5])
    answers = rules(hospital, approver="Ana Silva", role="data protection officer", reason="ten years")
    before = len(answers.everything())
    with pytest.raises(AuditLogDamaged):
        answers.apply(NOW + timedelta(days=3700))
    assert len(answers.everything()) == before
