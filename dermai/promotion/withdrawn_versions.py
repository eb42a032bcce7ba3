"""Versions that learnt a patient who took consent back: marked, never promoted, deleted when nothing needs them."""

from __future__ import annotations

from collections.abc import Mapping

from dermai.audit import AuditLog
from dermai.errors import Refused
from dermai.records.log import records_of
from dermai.records.withdrawals import WithdrawalBegun, WithdrawnPackage
from dermai.registry.champion import ModelReference, reference_to
from dermai.registry.registry import Registry
from dermai.registry.versions import ANCHOR, CHALLENGER, CHAMPION, ModelVersion

NEEDED = {CHAMPION, ANCHOR, CHALLENGER}


def withdrawn_versions(audit: AuditLog) -> Mapping[str, str]:
    """By version that learnt a withdrawn patient what pages say of it."""
    said: dict[str, str] = {}
    for record in records_of(audit, WithdrawalBegun):
        for reference in record.body.learnt_by:
            said[reference.version] = (
                f"learnt a patient who took consent back on {record.time[:10]} (record {record.sequence}): "
                "the next update starts without what was learnt, and this package goes when it is replaced"
            )
    for deleted in records_of(audit, WithdrawnPackage):
        before = said.get(deleted.body.version, "learnt a patient who took consent back").partition(":")[0]
        said[deleted.body.version] = f"{before}; its package was deleted on {deleted.time[:10]}"
    return said


def check_not_withdrawn(audit: AuditLog, version: ModelVersion, champion: ModelVersion | None) -> None:
    """Nothing that learnt a withdrawn patient comes into production; what is there stays until it is replaced.

    Raises:
        Refused: the version learnt one.
    """
    why = withdrawn_versions(audit).get(version.version)
    if why and reference_to(version) != reference_to(champion):
        raise Refused(
            f"version {version.version} {why.partition(':')[0]}: run `zenml pipeline run incremental_finetune`"
        )


def delete_withdrawn_packages(audit: AuditLog, registry: Registry) -> list[str]:
    """Delete the packages that learnt a withdrawn patient and are neither champion, anchor nor challenger.

    Returns what was deleted, a sentence each. The record comes first: killed in between, the next call deletes.
    """
    learnt: dict[str, tuple[str, ModelReference]] = {
        reference.version: (record.body.withdrawal, reference)
        for record in records_of(audit, WithdrawalBegun)
        for reference in record.body.learnt_by
    }
    if not learnt:
        return []
    recorded = {record.body.version for record in records_of(audit, WithdrawnPackage)}
    done = []
    for version in registry.versions():
        withdrawal, reference = learnt.get(version.version, ("", None))
        if reference is None or reference != reference_to(version) or set(version.aliases) & NEEDED:
            continue
        if version.version not in recorded:
            audit.append(WithdrawnPackage(withdrawal=withdrawal, version=version.version, sha256=version.sha256))
        registry.remove(version)
        done.append(f"the package of version {version.version} was deleted: it had learnt a withdrawn patient")
    return done
