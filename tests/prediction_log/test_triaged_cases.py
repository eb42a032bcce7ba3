"""Diagnoses come back in the sender's own words: numbers, names, separators; messages name the sender's row."""

import os
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from dermai.cli.app import application
from dermai.data.pseudonyms import Pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.errors import InvalidCases
from dermai.prediction_log.confirmations import confirm, read_confirmations
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import record_retakes
from tests.prediction_log.test_log import embeddings

NUMBERS = SenderNumbers(Pseudonyms(b"a secret of at least 32 characters"))


@pytest.fixture
def log(tmp_path):
    """Case 1 of patient a with lesions left and right, case 2 of patient b without a lesion number."""
    found = PredictionLog(tmp_path / "log")
    lesions = [("1", "a", "left"), ("1", "a", "right"), ("2", "b", "2")]
    rows = pd.DataFrame(
        {
            "image": [f"{number:064x}" for number in range(3)],
            "case_id": [NUMBERS.case(case) for case, _, _ in lesions],
            "patient_id": [NUMBERS.patient(patient) for _, patient, _ in lesions],
            "lesion_id": [NUMBERS.lesion(patient, lesion) for _, patient, lesion in lesions],
            "lesion_in_case": [NUMBERS.lesion_in_case(case, lesion) for case, _, lesion in lesions],
            "predicted_at": pd.Timestamp("2026-03-01", tz="UTC"),
        }
    )
    found.append(rows, embeddings(3), "1")
    for kind, case, reason in (("retakes", "3", "blurred"), ("set_aside", "4", "two patients")):
        table = pd.DataFrame(
            [{"file": "x.jpg", "case_id": NUMBERS.case(case), "site": "", "device": "", "reason": reason}]
        )
        record_retakes(found, table, pd.Timestamp("2026-03-01", tz="UTC").to_pydatetime(), kind)
    return found


def take(log, text):
    file = log.folder.parent / "histology.csv"
    file.write_text(text, encoding="utf-8")
    return confirm(log, file, numbers=NUMBERS)


def test_the_senders_own_lesion_numbers_are_taken(log):
    done = take(log, "case_id,lesion_id,diagnosis\n1,left,MM\n1,right,Nev\n2,,BCC\n")
    assert (done.accepted, len(done.refused)) == (3, 0)
    recorded = read_confirmations(log)[0].set_index("lesion_id")["diagnosis"]
    assert recorded[NUMBERS.lesion("a", "left")] == "MM"
    assert recorded[NUMBERS.lesion("b", "2")] == "BCC"


def test_a_case_triaged_without_a_lesion_number_shows_one_lesion_whatever_its_number(log):
    assert take(log, "case_id,lesion_id,diagnosis\n2,1,MM\n").accepted == 1


def test_where_it_asks_for_a_lesion_it_names_them(log):
    (reason,) = take(log, "case_id,diagnosis\n1,MM\n").refused["reason"]
    assert NUMBERS.lesion("a", "left") in reason
    assert NUMBERS.lesion("a", "right") in reason


def test_a_lesion_that_the_case_does_not_have_is_refused(log):
    (reason,) = take(log, "case_id,lesion_id,diagnosis\n1,middle,MM\n").refused["reason"]
    assert "no lesion 'middle'" in reason


@pytest.mark.parametrize("diagnosis", ["MM", "mm", "Malignant melanoma", "malignant melanoma (MM)"])
def test_codes_and_names_are_taken(log, diagnosis):
    assert take(log, f"case_id,diagnosis\n2,{diagnosis}\n").accepted == 1
    assert read_confirmations(log)[0]["diagnosis"].tolist() == ["MM"]


def test_a_table_separated_by_semicolons_is_taken(log):
    assert take(log, "case_id;lesion_id;diagnosis\n1;left;MM\n2;;Nev\n").accepted == 2


def test_the_row_that_is_set_aside_keeps_the_senders_words_beside_the_senders_file(log):
    done = take(log, "case_id,diagnosis,ward\n77,MM,B2\n2,MM,C1\n")
    kept = pd.read_csv(done.refused_file, dtype=str)
    assert kept[["case_id", "ward"]].to_numpy().tolist() == [["77", "B2"]]
    assert done.refused_file.parent == log.folder.parent
    assert b"77" not in b"".join(file.read_bytes() for file in log.folder.rglob("*.csv"))


@pytest.mark.parametrize(("case", "said"), [("3", "waits for a new photograph"), ("4", "set aside (two patients)")])
def test_a_case_that_waits_says_so(log, case, said):
    (reason,) = take(log, f"case_id,diagnosis\n{case},MM\n").refused["reason"]
    assert said in reason


def test_another_patient_than_the_triaged_one_is_refused(log):
    done = take(log, "case_id,patient_id,diagnosis\n2,a,MM\n")
    assert "another patient" in done.refused["reason"][0]
    assert take(log, "case_id,patient_id,diagnosis\n2,b,MM\n").accepted == 1


def test_lines_that_a_spreadsheet_left_empty_are_ignored(log):
    done = take(log, "case_id,diagnosis\n2,MM\n,\n , \n")
    assert (done.accepted, len(done.refused)) == (1, 0)


def test_a_table_with_two_columns_of_diagnoses_is_refused(log):
    with pytest.raises(InvalidCases, match="more than once"):
        take(log, "case_id,diagnosis,diagnosis\n2,MM,Nev\n")


@pytest.mark.parametrize(("name", "said"), [("gone.csv", "not there"), ("", "a folder")])
def test_a_file_that_is_none_is_one_line(workspace, tmp_path, name, said):
    done = CliRunner().invoke(application, ["confirm", str(tmp_path / name)])
    assert isinstance(done.exception, InvalidCases)
    assert said in str(done.exception)
    assert not Path(os.environ["DERMAI_PSEUDONYM_KEY_FILE"]).exists()
