"""Documents are written from verified records and from the package that they name, from nothing else."""

from __future__ import annotations

import pytest

from dermai.documents.version_evidence import evidence_of
from dermai.errors import AuditLogDamaged, DermaiError, UnknownVersion
from tests.documents.made_version import made_version
from tests.promotion.fleet import Fleet


def test_evidence_ends_with_the_newest_record_of_the_version(fleet: Fleet) -> None:
    version = made_version(fleet)
    evidence = evidence_of(fleet.workspace, fleet.params, version)
    assert evidence.newest.body.version == version
    assert [move.event for move in evidence.moves] == ["promotion"]
    assert [found.sequence for found in evidence.policy_approvals] == [evidence.moves[0].body.policy_approval]
    fleet.promote(fleet.candidate())
    again = evidence_of(fleet.workspace, fleet.params, version)
    assert (again.newest, again.policy_approvals) == (evidence.newest, evidence.policy_approvals)


def test_a_version_that_no_record_names_has_no_documents(fleet: Fleet) -> None:
    made_version(fleet)
    with pytest.raises(DermaiError, match="no recorded update has made version 4"):
        evidence_of(fleet.workspace, fleet.params, "4")
    with pytest.raises(UnknownVersion):
        evidence_of(fleet.workspace, fleet.params, "99")


def test_changed_records_give_no_documents(fleet: Fleet) -> None:
    version = made_version(fleet)
    log = fleet.audit.path
    log.write_bytes(log.read_bytes().replace(b"400 new", b"900 new"))
    with pytest.raises(AuditLogDamaged):
        evidence_of(fleet.workspace, fleet.params, version)
