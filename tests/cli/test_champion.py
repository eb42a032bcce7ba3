"""`dermai champion`: now, on a date, and all of them."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from dermai.cli.app import application
from dermai.errors import AuditLogDamaged, InvalidParams
from dermai.promotion.reigns import moment_of
from tests.records.made import restored

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def in_lisbon(monkeypatch):
    """The machine's zone, which is an hour ahead of UTC from the last Sunday of March on."""
    monkeypatch.setenv("TZ", "Europe/Lisbon")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def asked(*options):
    return CliRunner().invoke(application, ["champion", *options], env={"COLUMNS": "220"})


def test_a_day_means_its_end_in_the_machines_zone(in_lisbon):
    later = datetime(2026, 8, 1, tzinfo=UTC)
    assert moment_of("2026-07-05", later) == datetime(2026, 7, 5, 22, 59, 59, 999999, UTC)
    assert moment_of("2026-01-05", later) == datetime(2026, 1, 5, 23, 59, 59, 999999, UTC)
    assert moment_of("2026-07-05T14:30", later) == datetime(2026, 7, 5, 13, 30, tzinfo=UTC)
    assert moment_of("2026-07-05T14:30+03:00", later) == datetime(2026, 7, 5, 11, 30, tzinfo=UTC)


def test_without_one_and_today_it_is_now():
    assert moment_of("", NOW) == NOW == moment_of(f"{NOW.astimezone():%Y-%m-%d}", NOW)


@pytest.mark.parametrize("text", ["2026-13-01", "yesterday", "2026-3-1", "9999-12-31"])
def test_what_is_no_day_or_has_not_come_yet_is_refused(text):
    with pytest.raises(InvalidParams, match="is no date"):
        moment_of(text, NOW)
    with pytest.raises(InvalidParams, match="has not come yet"):
        moment_of("2026-03-12", NOW)


def test_before_the_first_champion_it_says_so(fleet):
    assert "none: no version was made champion yet" in asked().output
    fleet.champions(1)
    assert "none: the first champion came on" in asked("--on", "2020-01-01").output
    assert json.loads(asked("--on", "2020-01-01", "--json").stdout)["champion"] is None


def test_it_names_the_version_its_package_who_moved_it_and_why(fleet):
    fleet.champions(2)
    said = asked().output
    assert f"version 2, package sha256 {fleet.registry.get('2').sha256}" in said
    assert "Dr Silva (dermatologist): reviewed the report" in said
    assert "until     now" in said
    found = json.loads(asked("--json").stdout)["champion"]
    assert (found["version"], found["move"], found["ended"]) == ("2", "promotion", None)
    yesterday = f"{datetime.now() - timedelta(days=1):%Y-%m-%d}"
    assert "none: the first champion came on" in asked("--on", yesterday).output


def test_the_history_lists_them_all(fleet):
    assert "no version was made champion yet" in asked("--history").output
    fleet.promote(fleet.candidate("insufficient_evidence"), provisional=True)
    fleet.champions(1)
    fleet.audit.append(restored(3))
    said = asked("--history").output
    assert "provisional until" in said
    assert "regular" in said
    assert "3 records before record" in said
    assert [reign["version"] for reign in json.loads(asked("--history", "--json").stdout)] == ["1", "2"]
    assert isinstance(asked("--history", "--on", "2026-01-01").exception, InvalidParams)


def test_nothing_is_said_by_a_log_that_somebody_changed(fleet):
    fleet.champions(1)
    log = fleet.workspace.audit_log
    log.write_text(log.read_text().replace("Dr Silva", "Dr Salva"))
    assert isinstance(asked().exception, AuditLogDamaged)
