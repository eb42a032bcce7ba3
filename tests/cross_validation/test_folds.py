"""Patients dealt into folds."""

from __future__ import annotations

import pandas as pd
import pytest

from dermai.cross_validation.folds import patient_folds, split_for_fold
from dermai.data.folds import training_roles
from dermai.errors import InvalidCases


def patients(**counts: int) -> pd.DataFrame:
    """Two photographs of each patient; `MM=3` are three patients with a melanoma."""
    rows = [
        {"patient_id": f"{code}-{number}", "source": "dermai", "diagnosis": code, "split": "train", "image": f"{view}"}
        for code, count in counts.items()
        for number in range(count)
        for view in (1, 2)
    ]
    return pd.DataFrame(rows)


def test_each_fold_has_its_share_of_each_diagnosis() -> None:
    cases = patients(MM=11, BCC=20, Nev=43)
    fold = cases["patient_id"].map(patient_folds(cases, 5, seed=1))
    once = cases.assign(fold=fold).drop_duplicates("patient_id")
    counts = pd.crosstab(once["diagnosis"], once["fold"])
    assert (counts.max(axis=1) - counts.min(axis=1) <= 1).all()


def test_the_order_of_rows_makes_no_difference_and_the_seed_does() -> None:
    cases = patients(MM=10, Nev=30)
    dealt = patient_folds(cases, 4, seed=1)
    assert patient_folds(cases.sample(frac=1, random_state=3), 4, seed=1) == dealt
    assert patient_folds(cases, 4, seed=2) != dealt


def test_every_patient_is_held_out_once_and_is_never_in_two_splits() -> None:
    cases = patients(MM=10, BCC=12, Nev=30)
    dealt = patient_folds(cases, 5, seed=1)
    held_out: list[str] = []
    for fold in range(5):
        split = split_for_fold(cases, dealt, fold, inner_folds=5, seed=1)
        assert len(split[["patient_id", "split", "fold"]].drop_duplicates()) == len(dealt)
        assert set(split.loc[training_roles(split) == "validation", "diagnosis"]) == {"MM", "BCC", "Nev"}
        assert set(split.loc[training_roles(split) == "train", "diagnosis"]) == {"MM", "BCC", "Nev"}
        held_out += split.loc[split["split"] == "test", "patient_id"].unique().tolist()
    assert sorted(held_out) == sorted(dealt)


def test_fewer_patients_than_folds_is_an_error_that_names_the_option() -> None:
    with pytest.raises(InvalidCases, match="--folds"):
        patient_folds(patients(MM=3), 5, seed=1)
