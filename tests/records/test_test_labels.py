"""The tables of test labels beside the log: found again by their hash, erasable, and missed where they are gone."""

from __future__ import annotations

import pandas as pd
import pytest

from dermai.audit import AuditLog
from dermai.continual.plan import UpdatePlan
from dermai.records.attempt import describe_dataset
from dermai.records.test_labels import changes_of_test_labels, erase_test_labels, keep_test_labels
from dermai.records.update_record import DatasetRecord, NothingNew
from dermai.workspace import DatasetVersion, Workspace
from tests.data.test_test_labels import BEFORE
from tests.records.made import nothing_new


def attempt(workspace: Workspace, cases: pd.DataFrame) -> NothingNew:
    """Record an attempt on these cases."""
    dataset = DatasetRecord(version="d41d8", test_labels=keep_test_labels(workspace, cases))
    record = nothing_new(dataset)
    AuditLog(workspace.audit_log).append(record)
    return record


def changes(workspace: Workspace, cases: pd.DataFrame) -> list[str]:
    return [change.kind for change in changes_of_test_labels(workspace, AuditLog(workspace.audit_log), cases)]


def test_what_changed_since_the_newest_attempt_is_found_once_it_is_recorded(workspace: Workspace) -> None:
    now = BEFORE.assign(diagnosis=["Nev"] * 14)
    assert changes(workspace, now) == []
    attempt(workspace, BEFORE)
    assert changes(workspace, now) == ["diagnosis"]
    attempt(workspace, now)
    assert changes(workspace, now) == []


def test_an_attempt_erases_what_is_gone_from_the_tables_of_before(workspace: Workspace) -> None:
    first = attempt(workspace, BEFORE)
    attempt(workspace, BEFORE.iloc[2:])
    text = (workspace.state / "test_labels" / f"{first.dataset.test_labels}.csv").read_text()
    assert not any(image in text for image in BEFORE["image"][:2])
    assert BEFORE["image"][2] in text


@pytest.mark.parametrize("harm", ["gone", "edited", "exchanged"])
def test_a_table_that_is_not_the_one_that_was_recorded_is_missed(workspace: Workspace, harm: str) -> None:
    record = attempt(workspace, BEFORE)
    file = workspace.state / "test_labels" / f"{record.dataset.test_labels}.csv"
    if harm == "gone":
        file.unlink()
    elif harm == "edited":
        file.write_text(file.read_text().replace("MM", "Nev"))
    else:
        other = keep_test_labels(workspace, BEFORE.iloc[1:])
        file.write_bytes(file.with_name(f"{other}.csv").read_bytes())
    assert changes(workspace, BEFORE) == ["unknown"]


def test_a_withdrawn_patient_is_erased_from_every_table_and_the_log_names_none(workspace: Workspace) -> None:
    attempt(workspace, BEFORE)
    attempt(workspace, BEFORE.iloc[:10])
    images = list(BEFORE["image"][:2])
    assert erase_test_labels(workspace, images) == 4  # two in each table
    texts = [file.read_text() for file in workspace.state.rglob("*") if file.is_file()]
    assert not any(image in text or f"p{n}," in text for text in texts for n, image in enumerate(images))
    assert AuditLog(workspace.audit_log).verify().ok
    assert changes(workspace, BEFORE.iloc[2:10]) == ["erased"]


def test_the_record_of_an_attempt_names_the_changes(workspace: Workspace) -> None:
    attempt(workspace, BEFORE)
    found = changes_of_test_labels(workspace, AuditLog(workspace.audit_log), BEFORE.iloc[1:])
    plan = UpdatePlan(mode="nothing", test_changes=found)
    cases = BEFORE.assign(case_id="c", source="dermai", site="", device="", skin_type="", sex="")
    record = describe_dataset(cases, plan, DatasetVersion(hash="d41d8", dirty_reason=""))
    assert [str(change) for change in record.test_changes] == ["1 test lesion of MM no longer in the dataset"]
