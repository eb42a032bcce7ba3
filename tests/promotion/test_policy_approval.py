"""Which policy is in force, before an upgrade and after."""

import pytest

from dermai.errors import Refused
from dermai.gate.policy import GatePolicy
from dermai.gate.policy_defaults import DEFAULTS
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.promotion import policy_approval
from dermai.promotion.policy_approval import approve_policy, changes_since_approval
from dermai.promotion.status import read_status
from dermai.records.log import records_of
from dermai.records.moves import PolicyApproval
from tests.promotion.fleet import WHO


class LaterPolicy(GatePolicy):
    """Of a release that added a key whose default decides as before."""

    longest_wait: int = 0


class ChangedPolicy(GatePolicy):
    """Of a release that changed a default."""

    fewest_lesions: int = 12


def in_force(audit, policy):
    return policy_approval.policy_approval(audit, RecordedPolicy.of(policy), policy.hash)


def with_gate(fleet, policy):
    fleet.params = fleet.params.model_copy(update={"gate": policy})
    return fleet


def approve_as_before_versions(audit, policy):
    """The line that a release wrote whose defaults had no version."""
    approval = PolicyApproval(**WHO, policy_sha256=policy.unversioned_hash, policy=RecordedPolicy.of(policy))
    audit.append(approval)


def test_an_approval_names_the_defaults_it_was_given_under(fleet):
    approve_policy(fleet.audit, GatePolicy(), **WHO)
    assert records_of(fleet.audit, PolicyApproval)[-1].body.defaults_version == max(DEFAULTS)


def test_a_new_key_that_changes_no_decision_leaves_the_approval_in_force(fleet):
    approve_policy(fleet.audit, GatePolicy(alpha=0.04), **WHO)
    assert in_force(fleet.audit, LaterPolicy(alpha=0.04))
    assert not in_force(fleet.audit, LaterPolicy(alpha=0.04, longest_wait=30))
    with_gate(fleet, LaterPolicy(alpha=0.04)).champions(1)
    assert fleet.aliases()["champion"] == "1"


def test_a_changed_default_asks_for_approval_and_shows_the_difference(fleet, monkeypatch):
    approve_policy(fleet.audit, GatePolicy(), **WHO)
    monkeypatch.setitem(DEFAULTS, 99, {"fewest_lesions": 12})
    with_gate(fleet, ChangedPolicy())
    version = fleet.candidate()
    with pytest.raises(Refused, match=r"nobody approved \(fewest_lesions from 5 to 12\): run `dermai gate"):
        fleet.promote(version)
    status = read_status(fleet.workspace, fleet.params)
    assert (status.policy_approved, status.policy_changes) == (False, ("fewest_lesions from 5 to 12",))
    approve_policy(fleet.audit, ChangedPolicy(), **WHO)
    fleet.promote(version)
    assert read_status(fleet.workspace, fleet.params).policy_changes == ()


def test_who_keeps_the_value_that_was_approved_is_not_asked_when_its_default_changes(fleet, monkeypatch):
    approved = GatePolicy()
    approve_policy(fleet.audit, approved, **WHO)
    before = approved.hash
    monkeypatch.setitem(DEFAULTS, 99, {"fewest_lesions": 12})
    kept = ChangedPolicy(fewest_lesions=5)
    assert kept.hash != before
    assert in_force(fleet.audit, kept)


def test_an_approval_from_before_the_versions_holds_for_the_same_policy_only(fleet):
    approve_as_before_versions(fleet.audit, GatePolicy(alpha=0.04))
    assert in_force(fleet.audit, GatePolicy(alpha=0.04))
    assert not in_force(fleet.audit, GatePolicy())
    assert changes_since_approval(fleet.audit, RecordedPolicy.of(GatePolicy()), GatePolicy().hash) == (
        "alpha from 0.04 to 0.05",
    )
    with_gate(fleet, GatePolicy(alpha=0.04)).champions(1)
    assert fleet.aliases()["champion"] == "1"


def test_an_approval_from_before_the_versions_knows_no_key_that_came_later(fleet, monkeypatch):
    older = {key: value for key, value in RecordedPolicy.of(GatePolicy()).root.items() if key != "fewest_lesions"}
    approval = PolicyApproval(**WHO, policy_sha256="an earlier form", policy=RecordedPolicy(older))
    fleet.audit.append(approval)
    assert not in_force(fleet.audit, GatePolicy())  # the key came with a version of the defaults: it decides
    monkeypatch.delitem(DEFAULTS[1], "fewest_lesions")
    assert in_force(fleet.audit, GatePolicy())
    assert not in_force(fleet.audit, GatePolicy(fewest_lesions=6))


def test_an_attempt_judged_before_the_upgrade_can_be_promoted_after_it(fleet):
    policy = GatePolicy(alpha=0.04)
    approve_as_before_versions(fleet.audit, policy)
    version = fleet.candidate(policy=policy, policy_sha256=policy.unversioned_hash)
    approve_policy(fleet.audit, policy, **WHO)
    fleet.promote(version)
    assert fleet.aliases()["champion"] == "1"
