"""SCIN: the likeliest of the dermatologists' conditions is a reading, never a confirmed diagnosis."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from dermai.data.cases import read_cases
from dermai.ingest.scin import NOTE, read_scin
from dermai.workspace import Workspace
from tests.ingest.test_importers import save, take

CASE = {"source": "SCIN", "release": "1.0.0", "year": "2023", "sex_at_birth": "FEMALE", "age_group": "AGE_50_TO_59"}
MELANOMA, ECZEMA = "{'Melanoma': 0.6, 'Eczema': 0.4}", "{'Eczema': 1.0}"


def release(folder: Path, *labels: str, **answers: str) -> Path:
    """A release with one case a label: two photographs of the first, one of each other."""
    cases, said = [], []
    for place, label in enumerate(labels):
        case = f"-51564410367008276{place:02d}"
        row = CASE | answers | {"case_id": case, "image_1_path": f"dataset/images/{place}0.png",
                                "image_1_shot_type": "CLOSE_UP"}  # fmt: skip
        if place == 0:
            row |= {"image_2_path": "dataset/images/01.png", "image_2_shot_type": "AT_DISTANCE"}
        cases.append(row)
        said.append(
            {"case_id": case, "weighted_skin_condition_label": label}
            | {
                f"dermatologist_fitzpatrick_skin_type_label_{n}": fst
                for n, fst in ((1, "FST4"), (2, "FST3"), (3, "FST3"))
            }
        )
    folder.mkdir()
    pd.DataFrame(cases).fillna("").to_csv(folder / "scin_cases.csv", index=False)
    pd.DataFrame(said).to_csv(folder / "scin_labels.csv", index=False)
    for seed, name in enumerate(("01", *(f"{place}0" for place in range(len(labels))))):
        save(folder / "images" / f"{name}.png", seed)
    return folder


def test_a_case_is_read_with_its_photographs(tmp_path: Path, workspace: Workspace) -> None:
    report = take(read_scin, release(tmp_path / "scin", MELANOMA, ECZEMA), workspace)
    assert (report.new, report.rejections) == ({"MM": 2, "(no place)": 1}, [])
    assert NOTE in report.notes
    cases = read_cases(workspace.cases_file).set_index("source_label")
    melanoma = cases.loc["Melanoma"]
    assert sorted(melanoma["view"]) == ["anatomical", "macroscopic"]
    assert len(set(melanoma["patient_id"])) == 1
    assert set(cases["skin_type"]) == {"3"}
    assert set(cases["age"]) == {55.0}
    assert set(cases["confirmed_by"]) == {"reading"}
    assert set(cases["licence"]) == {"LicenseRef-SCIN"}
    assert cases.loc["another condition", "diagnosis"] == ""


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("{'Melanoma': 0.5, 'Eczema': 0.5}", "no diagnosis"),
        ("{}", "no diagnosis"),
        ("__import__('os')", "unknown label \"__import__('os')\""),
    ],
)
def test_a_case_on_which_nobody_could_agree_is_quarantined(
    tmp_path: Path, workspace: Workspace, label: str, reason: str
) -> None:
    report = take(read_scin, release(tmp_path / "scin", ECZEMA, label), workspace)
    assert [rejection.reason for rejection in report.rejections] == [reason]


def test_an_open_age_and_an_unsaid_sex_are_unknown(tmp_path: Path) -> None:
    answers = {"age_group": "AGE_80_OR_ABOVE", "sex_at_birth": "OTHER_OR_UNSPECIFIED"}
    rows = read_scin(release(tmp_path / "scin", ECZEMA, **answers)).rows
    assert set(rows["age"]) == set(rows["sex"]) == {""}
