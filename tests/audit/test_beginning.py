"""A log that was emptied, exchanged or put back from earlier is missed, and nothing is added to what took its place."""

from __future__ import annotations

import shutil

import pytest

from dermai.audit import AuditLog
from dermai.errors import AuditLogDamaged
from tests.audit.any_event import AnyEvent

WHO = {"approver": "Ana Silva", "role": "security officer", "reason": "the disk is lost"}


def some_log(folder, records=3):
    log = AuditLog(folder / "audit" / "updates.jsonl")
    for number in range(records):
        log.append(AnyEvent(event="failure", number=number))
    return log


def emptied(log):
    shutil.rmtree(log.path.parent)


def truncated(log):
    log.path.write_bytes(b"")
    log.head_file.unlink()


def exchanged(log):
    other = some_log(log.path.parents[2] / "other")
    shutil.rmtree(log.path.parent)
    shutil.copytree(other.path.parent, log.path.parent)


def put_back(log):
    earlier = shutil.copytree(log.path.parent, log.path.parents[2] / "earlier")
    log.append(AnyEvent(event="failure", number=3))
    shutil.rmtree(log.path.parent)
    shutil.copytree(earlier, log.path.parent)


@pytest.mark.parametrize("change", [emptied, truncated, exchanged, put_back], ids=lambda change: change.__name__)
def test_what_took_the_log_s_place_is_a_problem_and_is_not_continued(tmp_path, change):
    log = some_log(tmp_path / "workspace")
    assert log.verify().ok
    change(log)
    assert "known beside the key" in log.verify().problems[0]
    with pytest.raises(AuditLogDamaged, match="known beside the key"):
        log.append(AnyEvent(event="failure", number=9))
    assert not log.verify().ok


def test_a_lost_log_is_begun_anew_by_a_record_that_names_it(tmp_path):
    log = some_log(tmp_path / "workspace")
    lost = log.entries()[-1]
    with pytest.raises(AuditLogDamaged, match="move the folder audit/ aside"):
        log.begin_anew(**WHO)
    emptied(log)
    begun = log.begin_anew(**WHO)
    assert begun.body["replaces"] == [{"log": lost.log, "count": 3, "hash": lost.hash}]
    log.append(AnyEvent(event="failure", number=1))
    assert log.verify().ok
    emptied(log)
    assert len(log.verify().problems) == 2


def test_a_workspace_that_moved_is_missed_in_its_new_place_only(tmp_path):
    some_log(tmp_path / "workspace")
    (tmp_path / "workspace").rename(tmp_path / "moved")
    moved = some_log(tmp_path / "moved", records=1)
    assert moved.verify().ok
    assert some_log(tmp_path / "workspace").verify().ok
    emptied(moved)
    assert not moved.verify().ok


def test_a_first_log_needs_no_word_of_anyone(tmp_path):
    log = AuditLog(tmp_path / "audit" / "updates.jsonl")
    assert log.verify().ok
    with pytest.raises(AuditLogDamaged, match="begins by itself"):
        log.begin_anew(**WHO)
