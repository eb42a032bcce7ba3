"""The ISIC Archive's export in both its layouts: the finest diagnosis that the taxonomy knows, a licence each."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from dermai.data.cases import read_cases
from dermai.errors import InvalidCases
from dermai.ingest.isic_archive import read_isic_archive
from dermai.workspace import Workspace
from tests.ingest.test_importers import save, take

ROW = {
    "attribution": "Hospital A", "copyright_license": "CC-BY", "age_approx": "55.0", "sex": "female",
    "anatom_site_general": "head/neck", "image_type": "dermoscopic", "diagnosis_confirm_type": "histopathology",
    "patient_id": "IP_1", "lesion_id": "IL_1",
}  # fmt: skip
NODULAR = {
    "diagnosis_1": "Malignant", "diagnosis_2": "Malignant adnexal epithelial proliferations - Follicular",
    "diagnosis_3": "Basal cell carcinoma", "diagnosis_4": "Basal cell carcinoma, Nodular",
}  # fmt: skip


def export(folder: Path, *rows: dict[str, str]) -> Path:
    """An export with drawn photographs."""
    table = pd.DataFrame([ROW | {"isic_id": f"ISIC_{place:07d}"} | row for place, row in enumerate(rows)]).fillna("")
    folder.mkdir()
    table.to_csv(folder / "metadata.csv", index=False)
    for place, name in enumerate(table["isic_id"]):
        save(folder / f"{name}.jpg", place)
    return folder


def test_the_finest_diagnosis_that_is_known_counts_and_the_licence_is_kept(
    tmp_path: Path, workspace: Workspace
) -> None:
    folder = export(tmp_path / "isic", NODULAR)
    report = take(read_isic_archive, folder, workspace)
    assert (report.new, report.rejections, report.notes) == ({"BCC": 1}, [], [])
    case = read_cases(workspace.cases_file).iloc[0]
    assert (case["source_label"], case["confirmed_by"], case["view"]) == (
        "Basal cell carcinoma",
        "histology",
        "dermoscopic",
    )
    assert (case["licence"], case["site"], case["age"]) == ("CC-BY", "Hospital A", 55)
    assert take(read_isic_archive, folder, workspace).changed is False


def test_an_export_of_earlier_years_has_one_diagnosis(tmp_path: Path) -> None:
    folder = export(
        tmp_path / "isic",
        {"diagnosis": "nevus", "benign_malignant": "benign"},
        {"diagnosis": "scar", "benign_malignant": "benign"},
        {"diagnosis": "", "benign_malignant": "malignant"},
    )
    assert read_isic_archive(folder).rows["label"].tolist() == ["nevus", "benign", "malignant"]


@pytest.mark.parametrize(
    ("kind", "ours"),
    [
        ("serial imaging showing no change", "follow_up"),
        ("single image expert consensus", "consensus"),
        ("single contributor clinical assessment", "reading"),
        ("confocal microscopy with consensus dermoscopy", "confocal"),
        ("", ""),
        ("a kind of next year", ""),
    ],
)
def test_what_confirms_a_diagnosis_is_said_in_our_words(tmp_path: Path, kind: str, ours: str) -> None:
    folder = export(tmp_path / "isic", NODULAR | {"diagnosis_confirm_type": kind})
    assert read_isic_archive(folder).rows["confirmed_by"].tolist() == [ours]


def test_a_patient_is_who_any_photograph_of_the_lesion_names_else_the_lesion_else_the_photograph(
    tmp_path: Path,
) -> None:
    folder = export(
        tmp_path / "isic",
        NODULAR,
        NODULAR | {"patient_id": ""},
        NODULAR | {"patient_id": "", "lesion_id": "IL_2"},
        NODULAR | {"patient_id": "", "lesion_id": ""},
    )
    delivery = read_isic_archive(folder)
    assert delivery.rows["patient"].tolist() == ["IP_1", "IP_1", "IL_2", "ISIC_0000003"]
    assert delivery.rows["lesion"].tolist() == ["IL_1", "IL_1", "IL_2", "ISIC_0000003"]
    assert [note.split(" the patient")[0] for note in delivery.notes] == ["of 1 photographs"] * 2


def test_what_is_no_photograph_of_a_patient_is_quarantined(tmp_path: Path, workspace: Workspace) -> None:
    folder = export(
        tmp_path / "isic",
        NODULAR | {"image_manipulation": "synthetic"},
        NODULAR | {"image_type": "RCM: tile", "lesion_id": "IL_2"},
        {"lesion_id": "IL_3", "diagnosis_1": ""},
    )
    report = take(read_isic_archive, folder, workspace)
    assert [rejection.reason for rejection in report.rejections] == [
        "unknown label 'synthetic photograph'",
        "unknown view 'rcm: tile'",
        "no diagnosis",
    ]


def test_an_export_without_diagnoses_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidCases, match="none of diagnosis_1 to diagnosis_5"):
        read_isic_archive(export(tmp_path / "isic", {}))
