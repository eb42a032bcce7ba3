"""What the dataset held at the last update."""

from __future__ import annotations

from dermai.audit import AuditLog
from dermai.records.earlier_dataset import earlier_dataset
from dermai.records.update_record import DatasetRecord, PhotographSet
from dermai.workspace import Workspace


def photographs(**diagnoses: int) -> PhotographSet:
    number = sum(diagnoses.values())
    counts = {"diagnosis": diagnoses}
    return PhotographSet(sha256="s", photographs=number, lesions=number, patients=number, counts=counts)


def test_the_newest_attempt_says_what_each_class_had(fleet) -> None:
    for melanomas in (40, 41):
        sets = {"train": photographs(MM=melanomas, Nev=9), "test": photographs(MM=5), "replay": photographs(MM=1)}
        fleet.candidate("reject", dataset=DatasetRecord(version="d", sets=sets))
    found = earlier_dataset(fleet.audit)
    assert found is not None
    assert found.photographs == {"train": {"MM": 41, "Nev": 9}, "test": {"MM": 5}}
    assert found.classes == {"MM", "Nev"}
    assert f"(record {fleet.audit.entries()[-1].sequence})" in found.name


def test_before_the_first_attempt_there_is_none(workspace: Workspace) -> None:
    assert earlier_dataset(AuditLog(workspace.audit_log)) is None
