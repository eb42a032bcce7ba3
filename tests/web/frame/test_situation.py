from datetime import UTC, date, datetime, timedelta

import pytest

from dermai.audit import AuditLog
from dermai.records.incidents import MissedCancer
from web.frame.situation import newest_referrals


def referrals_of(workspace, day):
    (workspace.prediction_log / "predictions" / "model_version=1" / f"day={day.isoformat()}").mkdir(parents=True)


@pytest.mark.parametrize(("days", "warned"), [(0, False), (3, False), (4, True)])
def test_old_data_are_said_on_every_page(workspace, signed_in, days, warned):
    referrals_of(workspace, datetime.now(UTC).date() - timedelta(days=days))
    for place in ("/account", "/nowhere"):
        page = signed_in("manager").get(place).text
        assert ("The newest referrals are 4 days old" in page) == warned


def test_before_the_first_referral_nothing_is_old(workspace, signed_in):
    assert newest_referrals(workspace) is None
    assert "newest referrals" not in signed_in("manager").get("/account").text


def test_the_newest_day_of_all_versions_counts(workspace):
    referrals_of(workspace, date(2026, 3, 1))
    (workspace.prediction_log / "predictions" / "model_version=2" / "day=2026-04-02").mkdir(parents=True)
    (workspace.prediction_log / "predictions" / "model_version=2" / "day=torn").mkdir()
    assert newest_referrals(workspace) == date(2026, 4, 2)


def test_a_cancer_that_was_missed_is_on_every_page_of_the_team_and_on_none_of_a_practice(workspace, signed_in):
    client, practice = signed_in("manager"), signed_in("practice")
    assert "sorted as normal" not in client.get("/account").text
    AuditLog(workspace.audit_log).append(
        MissedCancer(
            incident="i1", version="1", lesion_class="MM", confirmed_by="histology", second_reading=False, similar=0,
            file_sha256="0" * 64,
        )
    )  # fmt: skip
    for place in ("/account", "/nowhere"):
        assert "1 cancer was sorted as normal" in client.get(place).text
        assert "sorted as normal" not in practice.get(place).text
