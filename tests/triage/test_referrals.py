from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from dermai.data.pseudonyms import Pseudonyms
from dermai.data.sender_numbers import SOURCE, SenderNumbers
from dermai.triage.referrals import Referrals, read_referrals

PSEUDONYMS = Pseudonyms(b"a secret of at least 32 characters")
NUMBERS = SenderNumbers(PSEUDONYMS)


def read(folder: Path, text: str, numbers: SenderNumbers = NUMBERS) -> Referrals:
    (folder / "cases.csv").write_text(text)
    return read_referrals(folder, numbers)


@pytest.mark.parametrize("age", ["999", "-1", "-4", "inf", "250", "fifty", "99"])
def test_an_age_that_is_none_is_unknown_and_its_case_says_so(tmp_path: Path, age: str) -> None:
    found = read(tmp_path, f"image,case_id,patient_id,age\na.jpg,1,1,{age}\nb.jpg,2,2,50\n")
    assert pd.isna(found.rows["age"][0])
    assert found.rows["age"][1] == 50
    assert list(found.remarks) == [NUMBERS.case("1")]
    assert f"age {age}" in found.remarks[NUMBERS.case("1")][0].replace("'", "")


def test_referrals_are_read_by_the_same_rules_as_cases(tmp_path: Path) -> None:
    text = (
        "Image;case_id;patient_id;sex;view;skin_type;body_site;itch;bleed;site\n"
        "a.jpg;1;1;F;Macroscopic;IV;Upper  Back;True;FALSE;Braga\nb.jpg;2;2;other;selfie;9;;perhaps;;BRAGA\n;;;;;;;;;\n"
    )
    found = read(tmp_path, text)
    clinical = ["sex", "view", "skin_type", "body_site", "itch", "bleed", "site"]
    assert found.rows[clinical].to_numpy().tolist() == [
        ["female", "macroscopic", "4", "upper back", "yes", "no", "Braga"],
        ["", "", "", "", "", "", "Braga"],
    ]
    assert len(found.remarks[NUMBERS.case("2")]) == 4
    assert found.set_aside.empty


@pytest.mark.parametrize("number", ["1.23457E+11", "1,2e+12", "#####", "#N/A", "NaN", "\u200b"])
def test_numbers_that_name_nobody_are_set_aside(tmp_path: Path, number: str) -> None:
    text = f'image;case_id;patient_id\na.jpg;1;"{number}"\nb.jpg;2;"{number}"\nc.jpg;3;3\n'
    found = read(tmp_path, text)
    assert found.rows["file"].tolist() == ["c.jpg"]
    assert found.set_aside["line"].tolist() == [2, 3]
    assert not found.set_aside["reason"].str.contains("1.23457").any()


def test_spellings_of_one_number_are_one_and_are_said_without_the_number(tmp_path: Path) -> None:
    found = read(tmp_path, "image,case_id,patient_id\na.jpg,1,Pat-7\nb.jpg,2,PAT-7\nc.jpg,3.0,8\nd.jpg,3,8\n")
    assert found.rows["patient_id"].nunique() == found.rows["case_id"].nunique() - 1 == 2
    assert any("lines 2 and 3" in note and NUMBERS.patient("PAT-7") in note for note in found.notes)
    assert any("lines 4 and 5" in note for note in found.notes) or any("lines 5 and 4" in note for note in found.notes)
    assert not any("Pat-7" in note for note in found.notes)


def test_one_case_number_in_two_spellings_under_two_patients_is_set_aside(tmp_path: Path) -> None:
    found = read(tmp_path, "image,case_id,patient_id\na.jpg,c1,1\nb.jpg,C1,2\nc.jpg,3,3\n")
    assert len(found.rows) == 1
    assert found.set_aside["reason"].str.contains("under 2 patients").all()


def test_one_number_at_two_sites_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, "image,case_id,patient_id,site\na.jpg,1,7,Braga\nb.jpg,2,7,Porto\nc.jpg,3,8,Porto\n")
    assert [note for note in found.notes if "Braga and Porto" in note and NUMBERS.patient("7") in note]


def test_numbers_that_an_earlier_release_logged_as_written_stay_who_they_were(tmp_path: Path) -> None:
    before = PSEUDONYMS.earlier("case", SOURCE, "case7")[0]
    numbers = SenderNumbers(PSEUDONYMS, known=lambda: frozenset({before}))
    found = read(tmp_path, "image,case_id,patient_id\na.jpg,case7,7\nb.jpg,case8,8\n", numbers)
    assert found.rows["case_id"].tolist() == [before, PSEUDONYMS.case(SOURCE, "CASE8")]
