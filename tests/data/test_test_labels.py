"""What is known of the test photographs' labels, and what changed in them."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dermai.data.test_labels import LabelTable, label_changes


def cases(*diagnoses: str, split: str = "test", start: int = 0) -> pd.DataFrame:
    """One photograph, lesion and patient each."""
    numbers = range(start, start + len(diagnoses))
    return pd.DataFrame(
        {
            "image": [f"{n + 1:064x}" for n in numbers],
            "patient_id": [f"p{n}" for n in numbers],
            "lesion_id": [f"l{n}" for n in numbers],
            "diagnosis": diagnoses,
            "confirmed_by": "histology",
            "split": split,
        }
    )


BEFORE = pd.concat([cases(*["MM"] * 12, "Nev"), cases("Nev", split="train", start=50)], ignore_index=True)


def said(now: pd.DataFrame, before: LabelTable | None = None) -> list[str]:
    return [str(change) for change in label_changes(before or LabelTable.of(BEFORE), now)]


def test_the_same_labels_are_no_change_in_whatever_order_they_stand() -> None:
    assert said(BEFORE) == said(BEFORE.iloc[::-1]) == []


def test_half_of_the_test_melanomas_that_became_naevi_are_named_from_what_to_what() -> None:
    now = BEFORE.assign(diagnosis=["Nev"] * 6 + ["MM"] * 6 + ["Nev"] * 2)
    assert said(now) == ["6 test lesions from MM to Nev"]


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("diagnosis", "", "1 test lesion from MM to no class"),
        ("confirmed_by", "", "1 test lesion of MM confirmed by histology before, by nothing known now"),
        ("lesion_id", "l1", "1 test lesion of MM under another lesion or patient"),
        ("patient_id", "p1", "1 test lesion of MM under another lesion or patient"),
        ("split", "train", "1 test lesion of MM moved to the split train"),
    ],
)
def test_whatever_else_of_a_test_photograph_changes_is_named(column: str, value: str, expected: str) -> None:
    now = BEFORE.copy()
    now.loc[0, column] = value
    assert said(now) == [expected]


def test_withdrawn_and_new_test_patients_are_named_apart_and_training_patients_are_not() -> None:
    assert said(BEFORE.iloc[3:]) == ["3 test lesions of MM no longer in the dataset"]
    later = pd.concat([BEFORE, cases("BCC", start=100), cases("BCC", split="train", start=200)])
    assert said(later) == ["1 test lesion of BCC new in the test set"]


def test_an_erased_row_leaves_the_table_what_it_was_and_only_its_hash_in_it() -> None:
    table = LabelTable.of(BEFORE)
    erased = table.without([BEFORE["image"][0], "f" * 64])
    assert erased.sha256 == table.sha256
    stored = erased.stored()
    assert not stored.isin(["p0", "l0", BEFORE["image"][0]]).any().any()
    again = LabelTable.read(stored)
    assert again.sha256 == table.sha256
    assert said(BEFORE.iloc[1:], again) == ["1 test photographs whose labels were erased"]
    assert said(BEFORE, again) == []
    assert said(BEFORE.assign(diagnosis="Nev"), again)[-2:] == [
        "1 test lesion of Nev new in the test set", "1 test photographs whose labels were erased",
    ]  # fmt: skip


@given(st.integers(0, 12), st.sampled_from(["patient_id", "lesion_id", "diagnosis", "confirmed_by", "image"]))
def test_no_cell_of_a_stored_table_can_be_edited(row: int, column: str) -> None:
    stored = LabelTable.of(BEFORE).stored()
    stored.loc[row, column] = "else"
    with pytest.raises(ValueError, match="not what its hash says"):
        LabelTable.read(stored)
