from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from dermai.config import load_params
from dermai.data.cases import SYMPTOMS, read_cases
from dermai.data.folds import HELD_OUT
from dermai.errors import InvalidCases
from dermai.ingest.delivery import Importer
from dermai.ingest.derm7pt import read_derm7pt
from dermai.ingest.dermofit import read_dermofit
from dermai.ingest.ham10000 import read_ham10000
from dermai.ingest.importers import Dataset, importers
from dermai.ingest.intake import IntakeOptions, take_in
from dermai.ingest.intake_report import IntakeReport
from dermai.ingest.pad_ufes_20 import read_pad_ufes_20
from dermai.taxonomy import load_taxonomy
from dermai.workspace import Workspace
from tests.ingest.deliveries import draw

PAD_ROW = "PAT_1,7,,,,,61,,MALE,,,,,3.0,NOSE,,,{label},True,UNK,False,False,True,False,PAT_1_7_{number}.png,True"
PAD_HEADER = (
    "patient_id,lesion_id,smoke,drink,background_father,background_mother,age,pesticide,gender,skin_cancer_history,"
    "cancer_history,has_piped_water,has_sewage_system,fitspatrick,region,diameter_1,diameter_2,diagnostic,itch,grew,"
    "hurt,changed,bleed,elevation,img_id,biopsed"
)


def take(importer: Importer, folder: Path, workspace: Workspace, **options: object) -> IntakeReport:
    params = load_params(workspace.params_file)
    return take_in(importer(folder), workspace, params, IntakeOptions(**options))  # type: ignore[arg-type]


def save(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(seed).save(path)


@pytest.fixture
def derm7pt(tmp_path: Path) -> Path:
    folder = tmp_path / "release_v0"
    rows = []
    for number, diagnosis in enumerate(("clark nevus", "melanoma (in situ)", "miscellaneous", "basal cell carcinoma")):
        stem = f"NEL/NEL{number:03d}"
        rows.append(
            {
                "case_num": str(number + 1),
                "diagnosis": diagnosis,
                "seven_point_score": "1",
                "level_of_diagnostic_difficulty": "low",
                "elevation": "flat",
                "location": "lower limbs",
                "sex": "female",
                "management": "excision",
                "clinic": f"{stem}c.jpg",
                "derm": f"{stem}d.jpg",
                "case_id": "",
                "notes": "",
            }
        )
        save(folder / "images" / f"Nel/Nel{number:03d}C.JPG", 10 * number)
        save(folder / "images" / f"Nel/Nel{number:03d}D.jpg", 10 * number + 1)
    (folder / "meta").mkdir()
    pd.DataFrame(rows).to_csv(folder / "meta" / "meta.csv", index=False)
    for name, places in (("train", [0, 2]), ("valid", [3]), ("test", [1])):
        pd.DataFrame({"indexes": places}).to_csv(folder / "meta" / f"{name}_indexes.csv", index=False)
    return folder


def test_derm7pt_gives_both_views_of_each_case_whatever_the_letter_case(derm7pt: Path, workspace: Workspace) -> None:
    report = take(read_derm7pt, derm7pt, workspace)
    cases = read_cases(workspace.cases_file)
    assert report.rejections == []
    assert report.new == {"Nev": 2, "MM": 2, "BCC": 2, "(no place)": 2}
    assert sorted(cases["view"]) == ["dermoscopic"] * 4 + ["macroscopic"] * 4
    assert set(cases["source"]) == {"edra"}
    assert cases["patient_id"].nunique() == cases["lesion_id"].nunique() == 4
    assert cases["age"].isna().all()
    assert cases.loc[cases["diagnosis"] == "", "source_label"].tolist() == ["miscellaneous"] * 2


def test_derm7pt_can_keep_its_published_split(derm7pt: Path, workspace: Workspace) -> None:
    take(partial(read_derm7pt, published_split=True), derm7pt, workspace)
    cases = read_cases(workspace.cases_file)
    found = dict(zip(cases["source_label"], zip(cases["split"], cases["fold"], strict=True), strict=True))
    assert found["melanoma (in situ)"] == ("test", "")
    assert found["basal cell carcinoma"] == ("train", HELD_OUT)
    split, fold = found["clark nevus"]
    assert split == "train"
    assert fold not in ("", HELD_OUT)


def test_a_derm7pt_path_that_leaves_the_images_is_quarantined(derm7pt: Path, workspace: Workspace) -> None:
    table = pd.read_csv(derm7pt / "meta" / "meta.csv", dtype=str, keep_default_na=False)
    table.loc[0, "clinic"] = "../../secret.jpg"
    table.loc[1, "derm"] = "NEL/gone.jpg"
    table.to_csv(derm7pt / "meta" / "meta.csv", index=False)
    report = take(read_derm7pt, derm7pt, workspace)
    assert sorted(r.reason for r in report.rejections) == ["the file is missing", "the path leaves the folder"]
    assert report.new.total() == 6


def test_dermofit_is_read_from_its_class_folders_without_the_masks(tmp_path: Path, workspace: Workspace) -> None:
    folder = tmp_path / "dermofit"
    for seed, place in enumerate(("AK/AK/A1/A1", "MEL/P2", "PYO/PYO/S3/S3", "sk/B4", "Other/X5")):
        save(folder / f"{place}.png", seed)
        save(folder / f"{place}mask.png", 100 + seed)
    report = take(read_dermofit, folder, workspace)
    assert report.new == {"ActKer": 1, "MM": 1, "SebKer": 1, "(no place)": 1}
    assert [(r.file, r.reason) for r in report.rejections] == [("Other/X5.png", "unknown label 'Other'")]
    cases = read_cases(workspace.cases_file)
    assert set(cases["source"]) == {"dermofit"}


def test_the_full_pad_download_is_matched_by_stem_in_its_subfolders(tmp_path: Path, workspace: Workspace) -> None:
    folder = tmp_path / "pad"
    rows = [PAD_ROW.format(label="MEL", number=number) for number in range(3)]
    for number in range(3):
        save(folder / "images" / f"imgs_part_{number + 1}" / f"PAT_1_7_{number}.png", number)
    (folder / "metadata.csv").write_text("\n".join([PAD_HEADER, *rows, PAD_ROW.format(label="MEL", number=9)]) + "\n")
    report = take(read_pad_ufes_20, folder, workspace)
    assert report.new == {"MM": 3}
    assert [r.file for r in report.rejections] == ["PAT_1_7_9.png"]
    case = read_cases(workspace.cases_file).iloc[0]
    assert (case["age"], case["sex"], case["body_site"], case["skin_type"], case["confirmed_by"]) == (
        61, "male", "nose", "3", "histology",
    )  # fmt: skip
    assert list(case[list(SYMPTOMS)]) == ["yes", "", "no", "no", "yes", "no"]


def test_ham10000_is_split_by_lesion_and_its_unknowns_are_empty(tmp_path: Path, workspace: Workspace) -> None:
    folder = tmp_path / "ham"
    folder.mkdir()
    (folder / "HAM10000_metadata.csv").write_text(
        "lesion_id,image_id,dx,dx_type,age,sex,localization,dataset\n"
        "HAM_1,ISIC_1,mel,histo,80.0,unknown,unknown,rosendahl\n"
        "HAM_1,ISIC_2,mel,histo,80.0,unknown,unknown,rosendahl\n"
        "HAM_2,ISIC_3,nv,follow_up,,male,back,vidir_modern\n"
    )
    for number in (1, 2):
        save(folder / "HAM10000_images_part_1" / f"ISIC_{number}.jpg", number)
    save(folder / "HAM10000_images_part_2" / "ISIC_3.jpg", 3)
    assert take(read_ham10000, folder, workspace).new == {"MM": 2, "Nev": 1}
    cases = read_cases(workspace.cases_file).set_index("source_label")
    assert len(set(cases.loc["mel", "patient_id"])) == 1
    assert set(cases.loc["mel", "sex"]) == set(cases.loc["mel", "body_site"]) == {""}
    assert cases.loc["nv", "site"] == "vidir_modern"
    assert cases.loc["nv", "confirmed_by"] == "follow_up"


@pytest.mark.parametrize("importer", [importers()[dataset.source] for dataset in Dataset])
def test_a_folder_without_the_publisher_s_layout_is_one_clear_error(importer: Importer, tmp_path: Path) -> None:
    with pytest.raises(InvalidCases, match=r"holds no|is not a folder"):
        importer(tmp_path)
    with pytest.raises(InvalidCases, match="is not a folder"):
        importer(tmp_path / "absent")


def test_every_source_of_the_taxonomy_and_every_dataset_has_an_importer() -> None:
    assert set(importers()) == set(load_taxonomy().sources) == {"dermai", *(dataset.source for dataset in Dataset)}


@pytest.mark.slow
def test_the_contradicting_photographs_of_pad_ufes_20_are_found_by_name(
    pad_ufes_20: Path, workspace: Workspace
) -> None:
    first = take(read_pad_ufes_20, pad_ufes_20, workspace, share=(0.0, 0.6))
    second = take(read_pad_ufes_20, pad_ufes_20, workspace, share=(0.6, 1.0))
    assert {Path(r.file).stem for r in [*first.rejections, *second.rejections]} == {
        "PAT_419_2767_323",
        "PAT_419_833_148",
        "PAT_759_1433_914",
        "PAT_759_1538_566",
    }
    cases = read_cases(workspace.cases_file)
    assert len(cases) == 914
    patients = cases.drop_duplicates(["patient_id", "diagnosis"])
    by_patient = pd.crosstab(patients["diagnosis"], patients["split"])
    shares = by_patient["test"] / by_patient.sum(axis=1)
    assert shares.between(0.15, 0.25).all()


@pytest.fixture
def ham(tmp_path: Path) -> Path:
    folder = tmp_path / "ham"
    save(folder / "part_1" / "ISIC_1.jpg", 1)
    header = "lesion_id,image_id,dx,dx_type,age,sex,localization,dataset"
    (folder / "HAM10000_metadata.csv").write_text(f"{header}\nHAM_1,ISIC_1,mel,histo,80.0,male,back,rosendahl\n")
    return folder


@pytest.mark.parametrize("place", ["segmentations/ISIC_1.png", "a/isic_1.JPG"])
def test_masks_beside_the_photographs_are_refused_by_both_names(ham: Path, workspace: Workspace, place: str) -> None:
    save(ham / place, 99)
    with pytest.raises(InvalidCases, match=r"'ISIC_1' may be .*: keep the photograph") as refused:
        take(read_ham10000, ham, workspace)
    assert "part_1/ISIC_1.jpg" in str(refused.value)
    assert place in str(refused.value)
    assert not workspace.cases_file.exists()


def test_a_second_copy_of_a_photograph_is_no_other_photograph(ham: Path, workspace: Workspace) -> None:
    save(ham / "part_2" / "ISIC_1.jpg", 1)
    assert take(read_ham10000, ham, workspace).new == {"MM": 1}


def test_a_mask_with_the_stem_of_a_pad_photograph_is_not_taken_for_it(tmp_path: Path, workspace: Workspace) -> None:
    save(tmp_path / "images" / "PAT_1_7_0.png", 1)
    save(tmp_path / "masks" / "PAT_1_7_0.jpg", 2)
    (tmp_path / "metadata.csv").write_text(f"{PAD_HEADER}\n{PAD_ROW.format(label='MEL', number=0)}\n")
    assert read_pad_ufes_20(tmp_path).rows["file"].tolist() == ["images/PAT_1_7_0.png"]
    save(tmp_path / "masks" / "PAT_1_7_0.png", 3)
    with pytest.raises(InvalidCases, match="keep the photograph"):
        read_pad_ufes_20(tmp_path)


def test_a_derm7pt_case_whose_columns_name_one_file_is_dermoscopic(derm7pt: Path) -> None:
    table = pd.read_csv(derm7pt / "meta" / "meta.csv", dtype=str, keep_default_na=False)
    table.loc[0, "clinic"] = table.loc[0, "derm"].upper()
    table.to_csv(derm7pt / "meta" / "meta.csv", index=False)
    rows = read_derm7pt(derm7pt).rows
    assert rows.loc[rows["case"] == "1", "view"].tolist() == ["dermoscopic"]
    assert len(rows) == 7


def test_a_folder_within_a_release_of_derm7pt_is_one_clear_error(derm7pt: Path) -> None:
    with pytest.raises(InvalidCases, match="give the folder above both"):
        read_derm7pt(derm7pt / "meta")


def test_dermofit_photographs_of_one_name_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "AK" / "A1.png", 1)
    save(tmp_path / "AK" / "preview" / "A1.jpg", 2)
    with pytest.raises(InvalidCases, match=r"A1\.png and .*A1\.jpg|A1\.jpg and .*A1\.png"):
        read_dermofit(tmp_path)


def test_symptoms_that_the_publisher_did_not_use_are_not_taken_for_unknown(tmp_path: Path) -> None:
    row = PAD_ROW.format(label="MEL", number=0).replace("UNK", "perhaps")
    (tmp_path / "metadata.csv").write_text(f"{PAD_HEADER}\n{row}\n")
    assert read_pad_ufes_20(tmp_path).rows["grew"].tolist() == ["perhaps"]
