from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from pydicom import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from dermai.data.cases import read_cases
from dermai.data.pseudonyms import Pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.ingest.dicom_columns import with_dicom_columns
from dermai.triage.referrals import read_referrals
from dermai.workspace import Workspace
from tests.ingest.deliveries import deliver, draw, ingest, row
from tests.ingest.dicom_files import DERMOSCOPIC, SECONDARY_CAPTURE, VL_PHOTOGRAPHIC, dicom
from tests.ingest.hostile import damaged

STUDY = "1.2.826.0.1.3680043.8.498.1"


def region(meaning: str) -> list[Dataset]:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "12345", "SCT", meaning
    return [code]


def filled(folder: Path, content: bytes, **cells: str) -> tuple[dict[str, str], list[str]]:
    (folder / "a.dcm").write_bytes(content)
    given = {"file": "a.dcm", "patient": "", "case": "", **cells}
    table, notes = with_dicom_columns(pd.DataFrame([given], dtype=object), folder)
    return {str(name): value for name, value in table.loc[0].items()}, notes


def test_empty_cells_are_filled_in_from_the_file(tmp_path: Path) -> None:
    content = dicom(
        SOPClassUID=DERMOSCOPIC, AccessionNumber="A17", StudyInstanceUID=STUDY, AcquisitionDate="20260301",
        StudyDate="20260302", AnatomicRegionSequence=region("Upper arm"), BodyPartExamined="ARM",
    )  # fmt: skip
    found, notes = filled(tmp_path, content)
    assert found == {
        "file": "a.dcm", "patient": "SecretNumber", "case": "A17", "acquired_on": "2026-03-01",
        "body_site": "upper arm", "view": "dermoscopic",
    }  # fmt: skip
    assert notes == ["line 2 of the table: the patient or case number is that of the DICOM file"]


def test_a_cell_that_is_filled_in_stays_and_is_not_remarked_on(tmp_path: Path) -> None:
    content = dicom(SOPClassUID=DERMOSCOPIC, AccessionNumber="A17", StudyDate="20260302", BodyPartExamined="ARM")
    given = {
        "patient": "7", "case": "8", "acquired_on": "2025-01-01", "body_site": "back", "view": "macroscopic",
    }  # fmt: skip
    found, notes = filled(tmp_path, content, **given)
    assert found == {"file": "a.dcm", **given}
    assert notes == []


def test_a_study_is_the_case_where_it_has_no_accession_number(tmp_path: Path) -> None:
    found, _ = filled(tmp_path, dicom(StudyInstanceUID=STUDY, BodyPartExamined="LOWER_LEG"))
    assert (found["case"], found["body_site"]) == (STUDY, "lower leg")
    assert "view" not in found


def test_a_day_that_does_not_exist_is_passed_over(tmp_path: Path) -> None:
    content = dicom(AcquisitionDate="20260301", StudyDate="20260302").replace(b"20260301", b"20261399")
    assert filled(tmp_path, content)[0]["acquired_on"] == "2026-03-02"


@pytest.mark.parametrize("tags", [{"PatientIdentityRemoved": "YES"}, {"PatientID": "ANONYMOUS"}, {"PatientID": None}])
def test_a_number_that_stands_for_nobody_is_not_taken(tmp_path: Path, tags: dict[str, object]) -> None:
    found, _ = filled(tmp_path, dicom(**tags))
    assert found["patient"] == ""


@pytest.mark.parametrize(("kind", "said", "noted"), [
    (SECONDARY_CAPTURE, None, True), (SECONDARY_CAPTURE, "NO", False), (VL_PHOTOGRAPHIC, None, False),
])  # fmt: skip
def test_a_screenshot_that_says_nothing_of_writing_in_its_picture_is_named(
    tmp_path: Path, kind: str, said: str | None, noted: bool
) -> None:
    tags = {} if said is None else {"BurnedInAnnotation": said}
    _, notes = filled(tmp_path, dicom(SOPClassUID=kind, **tags), patient="1", case="2")
    assert bool(notes) == noted
    assert all("look whether a name is" in note for note in notes)


@pytest.mark.parametrize(
    "content",
    [b"", dicom()[:140], dicom(syntax=DeflatedExplicitVRLittleEndian), b"\xff\xd8\xff" + bytes(300), dicom()[:300]],
)
def test_of_a_file_that_cannot_be_read_nothing_is_taken(tmp_path: Path, content: bytes) -> None:
    found, notes = filled(tmp_path, content)
    assert {name: value for name, value in found.items() if value} in ({"file": "a.dcm"}, found)
    assert all("SecretName" not in note for note in notes)


def test_no_damage_to_a_file_ends_the_reading_of_a_table(tmp_path: Path) -> None:
    draws = random.Random(3)
    sound = dicom(draw(1, 16, 8), AnatomicRegionSequence=region("Arm"), AccessionNumber="A17", StudyDate="20260302")
    patients = set()
    for _ in range(400):
        content = bytearray(damaged(sound, draws))
        for _ in range(draws.choice((0, 1, 4))):
            content[draws.randrange(len(content))] = draws.randrange(256)
        patients.add(filled(tmp_path, bytes(content))[0]["patient"])
    assert {"", "SecretNumber"} <= patients


def test_a_file_outside_the_folder_is_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "a.dcm").write_bytes(dicom())
    table = pd.DataFrame([{"file": "../a.dcm", "patient": "", "case": ""}], dtype=object)
    assert with_dicom_columns(table, tmp_path / "inside")[0]["patient"][0] == ""


def test_numbers_of_dicom_files_become_pseudonyms_and_nothing_else_of_them_is_stored(
    workspace: Workspace, tmp_path: Path
) -> None:
    rows = [row(number) for number in range(3)]
    rows.append(row(3, image="IM0003", patient_id="", case_id="", view="", diagnosis="Nev"))
    deliver(tmp_path / "delivery", rows)
    content = dicom(draw(3), SOPClassUID=DERMOSCOPIC, AccessionNumber="SecretNumber", AcquisitionDate="20260301")
    (tmp_path / "delivery" / "IM0003").write_bytes(content)
    report = ingest(tmp_path / "delivery", workspace)
    assert report.new.total() == 4, report.rejections
    assert any("number is that of the DICOM file" in note for note in report.notes)
    cases = read_cases(workspace.cases_file)
    (taken,) = cases[cases["view"] == "dermoscopic"].to_dict("records")
    assert taken["acquired_on"] == "2026-03-01"
    stored = [file for file in workspace.root.rglob("*") if file.is_file()]
    assert not [file for file in stored if b"Secret" in file.read_bytes()]


def test_a_referral_in_dicom_is_read_under_its_pseudonyms(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(dicom(AccessionNumber="A17", BodyPartExamined="ARM"))
    (tmp_path / "cases.csv").write_text("image,case_id,patient_id\na.dcm,,\na.dcm,A17,SecretNumber\n")
    numbers = SenderNumbers(Pseudonyms(b"a secret of at least 32 characters"))
    found = read_referrals(tmp_path, numbers)
    assert len(found.set_aside) == 0
    assert found.rows["patient_id"].nunique() == found.rows["case_id"].nunique() == 1
    assert set(found.rows["body_site"]) == {"arm"}
    assert any("number is that of the DICOM file" in note for note in found.notes)
    assert "Secret" not in str(found)


def test_neither_pydicom_nor_pi_heif_is_imported_before_a_file_needs_it(tmp_path: Path) -> None:
    deliver(tmp_path, [row(0)])
    code = (
        "import sys; from pathlib import Path; import dermai.cli.app\n"
        "from dermai.ingest.dermai_cases import read_dermai_cases; from dermai.ingest.photographs import sanitise\n"
        f"folder = Path({str(tmp_path)!r}); read_dermai_cases(folder); sanitise(folder / '0.jpg', 448, 92)\n"
        "assert not {'pydicom', 'pi_heif', '_pi_heif'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
