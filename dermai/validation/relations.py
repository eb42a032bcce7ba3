"""Columns that let a check of single rows see relations between them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dermai.data.folds import ROLES, training_roles
from dermai.ingest.near_duplicates import near_duplicates
from dermai.taxonomy import load_taxonomy
from dermai.validation.photograph_checks import PhotographChecks
from dermai.validation.result import ClassStatistics, EarlierDataset

RELATIONS = {  # column: where a value of the first comes with several of the second, both by name; else empty
    "patient_splits": ("patient_id", "split"),
    "patient_folds": ("patient_id", "fold"),
    "lesion_patients": ("lesion_id", "patient_id"),
    "lesion_diagnoses": ("lesion_id", "diagnosis"),
    "case_patients": ("case_id", "patient_id"),
}


def annotated_cases(cases: pd.DataFrame, checks: PhotographChecks, bits: int) -> pd.DataFrame:
    """The case table with what its photographs and relations show, as the expectations see it."""
    table = cases.reset_index(drop=True)
    table["acquired_on"] = table["acquired_on"].where(table["acquired_on"] != "", None)
    for column, (unit, value) in RELATIONS.items():
        table[column] = _several(table, unit, value)
    table["expected_diagnosis"] = [
        _expected(source, label, diagnosis)
        for source, label, diagnosis in zip(table["source"], table["source_label"], table["diagnosis"], strict=True)
    ]
    unlike = (table["split"] == "test") & (table["fold"] != "") | (table["split"] == "train") & (table["fold"] == "")
    table["fold_against_split"] = (table["split"] + " with fold " + table["fold"].replace("", "none")).where(unlike, "")
    found = checks.table.reindex(table["image"]).reset_index(drop=True)
    table["file_problem"] = found["problem"].to_numpy()
    table["shorter_side"] = found[["width", "height"]].min(axis=1).to_numpy()
    table["sharpness"], table["brightness"] = found["sharpness"].to_numpy(), found["brightness"].to_numpy()
    across_splits, across_patients = _near_duplicates(table, checks, bits)
    table["same_shot_in_other_split"] = table["image"].map(across_splits).fillna("")
    table["same_shot_of_other_patient"] = table["image"].map(across_patients).fillna("")
    return table


def _several(table: pd.DataFrame, unit: str, value: str) -> pd.Series:
    """For each row "" or, where its unit has more than one value, a text like `patient_id p12: split test, train`."""
    pairs = table[[unit, value]].drop_duplicates().sort_values([unit, value])
    several = pairs[pairs[unit].duplicated(keep=False)].groupby(unit)[value].agg(", ".join)
    words = {name: f"{unit} {name}: {value} {values}" for name, values in several.items()}
    return table[unit].map(words).fillna("")


def _expected(source: str, label: str, diagnosis: str) -> str:
    """What the label map says of a row; "as recorded" where it agrees or cannot say."""
    try:
        mapped = load_taxonomy().diagnosis(source, label) or ""
    except KeyError:
        return "as recorded"
    return "as recorded" if mapped == diagnosis else mapped or "no place"


def _near_duplicates(table: pd.DataFrame, checks: PhotographChecks, bits: int) -> tuple[dict[str, str], dict[str, str]]:
    """For each photograph with the same shot in another split, or of another patient, that other photograph."""
    once = table.drop_duplicates("image").set_index("image")
    split, patient = training_roles(once).to_dict(), once["patient_id"].to_dict()
    across_splits: dict[str, str] = {}
    across_patients: dict[str, str] = {}
    for first, second in near_duplicates(checks.fingerprints, bits):
        pair = checks.fingerprints.images[first].decode(), checks.fingerprints.images[second].decode()
        for image, other in (pair, pair[::-1]):
            if split[image] != split[other]:
                across_splits.setdefault(image, other)
            elif patient[image] != patient[other]:
                across_patients.setdefault(image, other)
    return across_splits, across_patients


def _losses(rows: pd.DataFrame, code: str, earlier: EarlierDataset) -> tuple[str, str]:
    """What a class has lost since: all photographs of a split, or more than half of those to train on.

    Linear heads hold nobody out, so that what they recorded as trained on is compared with all who may be trained on.
    """
    before = {split: earlier.photographs.get(split, {}).get(code, 0) for split in ROLES}
    nobody_held_out = earlier.photographs.get("validation") == {}
    roles = training_roles(rows, "linear_heads" if nobody_held_out else "network")
    now = {split: int((roles == split).sum()) for split in ROLES}
    lost = [
        f"none of {before[split]} photographs left in {split}" for split in ROLES if before[split] and not now[split]
    ]
    halved = 0 < now["train"] < before["train"] / 2
    shrunk = f"{now['train']} of {before['train']} photographs left in train" if halved else ""
    return ", ".join(lost), shrunk


def class_statistics(
    cases: pd.DataFrame, gated: Sequence[str], earlier: EarlierDataset | None = None, given_up: Sequence[str] = ()
) -> list[ClassStatistics]:
    """Counts for each diagnosis in the table, and for those gated or `earlier` there even where there is none.

    A class of `given_up` may have lost its cases.
    """
    known = {*gated, *(earlier.classes if earlier else ())}
    present = [code for code in load_taxonomy().codes if code in known or (cases["diagnosis"] == code).any()]
    statistics = []
    for code in present:
        rows = cases[cases["diagnosis"] == code]
        lost, shrunk = ("", "") if earlier is None or code in given_up else _losses(rows, code, earlier)
        patients = {split: rows.loc[training_roles(rows) == split, "patient_id"].nunique() for split in ROLES}
        statistics.append(
            ClassStatistics(
                diagnosis=code,
                photographs=len(rows),
                lesions=rows["lesion_id"].nunique(),
                patients=rows["patient_id"].nunique(),
                train_patients=patients["train"],
                validation_patients=patients["validation"],
                test_patients=patients["test"],
                test_lesions=rows.loc[rows["split"] == "test", "lesion_id"].nunique(),
                lost=lost,
                shrunk=shrunk,
            )
        )
    return statistics
