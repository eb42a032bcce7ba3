"""Where the policy asks for two persons, nothing moves on the word of one."""

import pytest

from dermai.errors import Refused
from dermai.gate.policy import GatePolicy
from dermai.promotion.policy_approval import approve_policy
from dermai.promotion.transaction import promote, reject, rollback
from dermai.records.log import records_of
from dermai.records.moves import FirstApproval, Promotion
from tests.promotion.fleet import WHO, Fleet

OTHER = {"approver": "Ana Costa", "role": "clinical lead", "reason": "the groups were looked at"}
TWO = GatePolicy(approval="two_persons")


@pytest.fixture
def two(fleet: Fleet) -> Fleet:
    fleet.params = fleet.params.model_copy(update={"gate": TWO})
    approve_policy(fleet.audit, TWO, approver="A test", role="test", reason="two persons")
    return fleet


def test_the_first_approval_is_recorded_and_moves_nothing_and_the_second_promotes(two: Fleet) -> None:
    version = two.candidate()
    entry = two.promote(version, account="silva")
    assert (entry.event, two.aliases()) == ("first_approval", {"challenger": version})
    (first,) = records_of(two.audit, FirstApproval)
    assert (first.body.version, first.body.approver, first.body.account) == (version, "Dr Silva", "silva")
    two.promote(version, **OTHER)
    assert two.aliases() == {"anchor": version, "champion": version}
    assert records_of(two.audit, Promotion)[-1].body.approver == "Ana Costa"


@pytest.mark.parametrize("again", [{"approver": "  dr  SILVA"}, {**OTHER, "account": "silva"}])
def test_the_same_person_cannot_be_the_second(two: Fleet, again: dict[str, str]) -> None:
    version = two.candidate()
    two.promote(version, account="silva")
    with pytest.raises(Refused, match=r"Dr Silva approved version 1 .* asks for a second person$"):
        two.promote(version, **again)
    assert "champion" not in two.aliases()


def test_an_approval_holds_for_its_decision_alone(two: Fleet) -> None:
    first, later = two.candidate(), two.candidate()
    two.promote(first)
    assert two.promote(later, **OTHER).event == "first_approval"
    assert "champion" not in two.aliases()


def test_a_provisional_champion_needs_two_persons_at_each_renewal(two: Fleet) -> None:
    version = two.candidate("insufficient_evidence")
    for _ in range(2):
        assert promote(two.workspace, two.params, version, **WHO, provisional=True).event == "first_approval"
        assert promote(two.workspace, two.params, version, **OTHER, provisional=True).event == "promotion"


def test_a_rejection_and_a_rollback_need_one_person(two: Fleet) -> None:
    for _ in range(2):
        version = two.candidate()
        two.promote(version)
        two.promote(version, **OTHER)
    assert rollback(two.workspace, two.params, **WHO).event == "rollback"
    assert reject(two.workspace, two.params, two.candidate(), **WHO).event == "rejection"
