"""A version that learnt a withdrawn patient is never promoted, and is deleted once nothing needs it."""

from __future__ import annotations

import shutil

import pytest

from dermai.config import load_params
from dermai.errors import Refused
from dermai.promotion.rules import AUTOMATIC
from dermai.promotion.transaction import delete_replaced, rollback
from dermai.promotion.withdrawn_versions import withdrawn_versions
from dermai.records.withdrawals import WithdrawalBegun
from dermai.registry.champion import ModelReference
from dermai.registry.registry import Registry
from tests.promotion.fleet import WHO, Fleet


@pytest.fixture
def fleet(workspace, four_versions):
    """Four versions with packages of their own, since some are deleted here."""
    shutil.copy(four_versions, workspace.root)
    shutil.copytree(four_versions.parent / "mlartifacts", workspace.root / "mlartifacts")
    return Fleet(Registry(workspace, load_params(workspace.params_file)))


def withdraw(fleet, *versions):
    """A patient whom these versions learnt takes consent back."""
    learnt = tuple(ModelReference.of(fleet.registry.get(version)) for version in versions)
    fleet.audit.append(
        WithdrawalBegun(**WHO, withdrawal="w", file_sha256="f", photographs=1, traces={}, learnt_by=learnt)
    )


def test_the_champion_that_learnt_the_patient_is_deleted_when_the_next_one_is_promoted(fleet):
    fleet.champions(2)
    withdraw(fleet, "2")
    fleet.champions(1)
    assert [version.version for version in fleet.registry.versions()] == ["1", "3", "4"]
    assert fleet.events()[-1] == "withdrawn_package"
    assert fleet.aliases()["champion"] == "3"
    assert withdrawn_versions(fleet.audit)["2"].endswith(
        "its package was deleted on " + fleet.audit.entries()[-1].time[:10]
    )


def test_a_deleted_version_cannot_come_back_and_what_is_promoted_next_needs_no_rollback_target(fleet):
    fleet.champions(2)
    withdraw(fleet, "2")
    fleet.champions(2)
    assert "previous" in fleet.aliases()
    with pytest.raises(Exception, match="version 2"):
        rollback(fleet.workspace, fleet.params, to="2", **WHO)


def test_a_candidate_that_learnt_the_patient_is_refused(fleet):
    fleet.champions(1)
    candidate = fleet.candidate("insufficient_evidence")  # it waits as challenger, so it is there
    withdraw(fleet, candidate)
    with pytest.raises(Refused, match="learnt a patient who took consent back"):
        fleet.promote(candidate)


def test_an_update_reports_on_the_champion_before_and_then_deletes_it(fleet):
    fleet.champions(2)
    withdraw(fleet, "2")
    fleet.promote(fleet.candidate(), role=AUTOMATIC)
    assert fleet.registry.download("2"), "the report of the update compares with it"
    assert len(delete_replaced(fleet.workspace, fleet.params)) == 1
    assert delete_replaced(fleet.workspace, fleet.params) == []
    assert [version.version for version in fleet.registry.versions()] == ["1", "3", "4"]
