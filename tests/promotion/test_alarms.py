"""An alarm stays open until another version answers or a named person settles it."""

from datetime import UTC, datetime

import pytest

from dermai.errors import Refused
from dermai.promotion import transaction
from dermai.promotion.alarms import open_alarms, settle_alarms
from dermai.records.incidents import SensitivityAlarm, SensitivityRecord, WindowAlarm
from dermai.records.summary import summarise, version_of
from tests.promotion.fleet import WHO

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def raise_alarm(fleet, version="1"):
    """A window of photographs that calls to act; returns its record's number."""
    alarm = WindowAlarm(
        window=f"{version}/{len(fleet.events())}", version=version, number=1, run="r", first=DAY, last=DAY,
        photographs=60, patients=50, verdict="act", changes=("New site: Faro.",), causes=("new_site",),
        p_values={"photographs": 0.0001}, act_level=0.001, distance=0.02, report="",
    )  # fmt: skip
    return fleet.audit.append(alarm).sequence


def raise_sensitivity_alarm(fleet, version="1"):
    missed = SensitivityRecord(lesion_class="BCC", hits=0, cases=12, low=0.0, high=0.26, p_value=1e-5, floor=0.6)
    alarm = SensitivityAlarm(
        window=f"{version}/confirmed", version=version, run="r", at=DAY, lesions=12, verdict="act", classes=(missed,)
    )
    return fleet.audit.append(alarm).sequence


def numbers(fleet):
    return [record.sequence for record in open_alarms(fleet.audit)]


def test_without_an_alarm_none_is_open(fleet):
    assert numbers(fleet) == []
    fleet.champions(1)
    assert numbers(fleet) == []


def test_alarms_of_both_kinds_about_the_champion_are_open(fleet):
    fleet.champions(1)
    raised = [raise_alarm(fleet), raise_sensitivity_alarm(fleet)]
    assert numbers(fleet) == raised


def test_a_named_person_settles_them_and_a_later_one_opens_anew(fleet):
    fleet.champions(1)
    raised = (raise_alarm(fleet), raise_alarm(fleet))
    entry = settle_alarms(fleet.audit, **{**WHO, "reason": "a new camera; its photographs were looked at"})
    assert entry.body["alarms"] == list(raised)
    assert version_of(entry) == "1"
    assert "Dr Silva (dermatologist): a new camera" in summarise(entry)
    assert numbers(fleet) == []
    later = raise_alarm(fleet)
    assert numbers(fleet) == [later]


def test_another_champion_closes_them_and_a_rollback_brings_them_back(fleet):
    fleet.champions(1)
    raised = raise_alarm(fleet)
    fleet.champions(1)
    assert numbers(fleet) == []
    transaction.rollback(fleet.workspace, fleet.params, **WHO)
    assert numbers(fleet) == [raised]


def test_an_attempt_that_does_not_become_the_champion_leaves_them_open(fleet):
    fleet.champions(1)
    raised = raise_alarm(fleet)
    fleet.candidate("reject")
    assert numbers(fleet) == [raised]


def test_where_none_is_open_or_nobody_is_named_nothing_is_recorded(fleet):
    fleet.champions(1)
    with pytest.raises(Refused, match="no alarm is open"):
        settle_alarms(fleet.audit, **WHO)
    raise_alarm(fleet)
    with pytest.raises(Refused, match="--approver is empty"):
        settle_alarms(fleet.audit, approver=" ", role="r", reason="r")
    assert "alarms_settled" not in fleet.events()
