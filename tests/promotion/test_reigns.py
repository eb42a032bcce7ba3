"""Who was in production when, and on whose word."""

from datetime import UTC, datetime, timedelta

import pytest

from dermai.promotion.aliases import finish_moves
from dermai.promotion.reigns import production_on, reigns, withheld_on
from dermai.promotion.transaction import reject, rollback
from dermai.records.moves import Promotion
from tests.promotion.fleet import WHO
from tests.promotion.test_two_persons import OTHER, two  # noqa: F401


def now():
    return datetime.now(UTC)


def test_each_version_was_in_production_from_its_move_to_the_next(fleet):
    before = now()
    fleet.champions(1)
    first = now()
    fleet.champions(1)
    second = now()
    rollback(fleet.workspace, fleet.params, **WHO)
    assert production_on(fleet.audit, before) is None
    assert [production_on(fleet.audit, moment).version for moment in (first, second, now())] == ["1", "2", "1"]
    found = reigns(fleet.audit)
    assert [(reign.version, reign.move) for reign in found] == [
        ("1", "promotion"), ("2", "promotion"), ("1", "rollback"),
    ]  # fmt: skip
    assert [reign.ended for reign in found] == [found[1].began, found[2].began, None]
    assert found[1].sha256 == fleet.registry.get("2").sha256
    assert (found[1].approver, found[1].role, found[1].reason) == tuple(WHO.values())


def test_the_moment_of_a_move_belongs_to_the_version_that_came(fleet):
    fleet.champions(2)
    second = reigns(fleet.audit)[1]
    assert production_on(fleet.audit, second.began).version == "2"
    assert production_on(fleet.audit, second.began - timedelta(microseconds=1)).version == "1"


def test_a_move_counts_from_when_it_was_carried_out(fleet):
    fleet.champions(1)
    version = fleet.registry.get("2")
    fleet.audit.append(
        Promotion(
            version="2", sha256=version.sha256, champion_before=None, rollback_target="1", sets_anchor=False,
            decision=0, policy_sha256="p", policy_approval=0, change_note="", **WHO,
        )
    )  # fmt: skip
    between = now()
    finish_moves(fleet.audit, fleet.registry)  # the next command, after a crash
    assert production_on(fleet.audit, between).version == "1"
    assert production_on(fleet.audit, now()).version == "2"


def test_a_move_that_could_not_be_carried_out_put_nothing_in_production(stored_log):
    found = reigns(stored_log)
    assert [(reign.version, reign.record) for reign in found] == [("1", 3), ("2", 9), ("1", 11)]
    assert production_on(stored_log, now()).version == "1"
    assert production_on(stored_log, datetime(2020, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize("renewed", [False, True])
def test_a_provisional_champion_says_its_terms_and_when_it_answered_no_longer(fleet, renewed):
    version = fleet.candidate("insufficient_evidence")
    fleet.promote(version, provisional=True)
    if renewed:
        fleet.promote(version, provisional=True)
    named = now()
    reign = production_on(fleet.audit, named)
    assert reign.provisional.until == (named + timedelta(days=fleet.params.gate.provisional.days)).date()
    assert withheld_on(fleet.audit, reign, named) == ""
    assert "was over" in withheld_on(fleet.audit, reign, named + timedelta(days=1000))
    reject(fleet.workspace, fleet.params, version, **WHO)
    assert withheld_on(fleet.audit, reign, named) == "", "what came later is not told of before"
    assert "it was rejected by Dr Silva" in withheld_on(fleet.audit, reign, now())
    assert len(reigns(fleet.audit)) == 1 + renewed


def test_where_two_persons_approved_both_are_named(two):  # noqa: F811
    version = two.candidate()
    two.promote(version)
    assert production_on(two.audit, now()) is None
    two.promote(version, **OTHER, account="costa")
    reign = production_on(two.audit, now())
    assert (reign.approver, reign.account, reign.first_approver) == ("Ana Costa", "costa", "Dr Silva (dermatologist)")
