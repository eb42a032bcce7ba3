"""Readings that are signed in the browser: nothing is lost, and nobody's word is taken for more than it says."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pandas as pd
import pyarrow as pa
import pytest

from dermai.files import sha256_file
from dermai.prediction_log.confirmations import (
    confirm,
    read_confirmations,
    read_entries,
    read_every_confirmation,
    record_diagnoses,
)
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.part_records import DiagnosesRecorded
from dermai.prediction_log.parts import table_bytes
from dermai.prediction_log.signed_parts import recording, write_signed_part
from dermai.prediction_log.signing import LONGEST_NOTE, NotSigned, Reading, clean_note, sign
from tests.prediction_log.test_log import embeddings, predictions


@pytest.fixture
def log(tmp_path):
    made = PredictionLog(tmp_path / "log")
    made.append(predictions(0, 4), embeddings(4), "1")
    return made


def reading(case: int = 0, diagnosis: str = "MM", by: str = "reading", who: str = "ana", **more) -> Reading:
    return Reading(f"case-{case}", f"lesion-{case}", diagnosis, by, who, **more)


def newest(log: PredictionLog) -> int:
    return int(read_entries(log)[0]["written"].iloc[-1])


def file_of(log: PredictionLog, *lines: str):
    file = log.folder / "diagnoses.csv"
    file.write_text("\n".join(["case_id,diagnosis,confirmed_by", *lines]) + "\n", encoding="utf-8")
    return file


def test_a_signed_reading_is_recorded_as_one_of_a_file_is_with_account_and_note(log):
    assert sign(log, reading(note="irregular border"))
    (row,) = read_confirmations(log)[0].to_dict("records")
    assert (row["diagnosis"], row["confirmed_by"]) == ("MM", "reading")
    assert (row["signed_by"], row["note"]) == ("ana", "irregular border")


def test_a_file_cannot_say_who_signed(log):
    file = log.folder / "diagnoses.csv"
    file.write_text("case_id,diagnosis,signed_by,note,sent_by\ncase-0,MM,ana,mine,dermai_12345678\n")
    assert confirm(log, file).accepted == 1
    assert read_entries(log)[0][["signed_by", "note", "sent_by"]].to_numpy().tolist() == [["", "", ""]]


def test_who_signs_after_a_token_sent_another_diagnosis_is_told_which_token(log):
    row = {"case_id": "case-0", "diagnosis": "MM", "confirmed_by": "histology", "sent_by": "dermai_12345678"}
    record_diagnoses(log, pd.DataFrame([row]))
    with pytest.raises(NotSigned, match="the token dermai_12345678 sent MM on"):
        sign(log, reading(diagnosis="Nev"))


def test_a_part_of_a_release_that_named_no_token_is_read_as_before(log):
    row = {"case_id": "case-0", "lesion_id": "lesion-0", "diagnosis": "MM", "confirmed_by": "histology"}
    with recording(log):
        write_signed_part(log, log.next_part_name(), table_bytes(pa.Table.from_pylist([row])), 1)
    (entry,) = read_entries(log)[0].to_dict("records")
    assert (entry["diagnosis"], entry["signed_by"], entry["sent_by"]) == ("MM", "", "")


def test_who_signs_second_is_told_who_was_first_and_can_then_correct(log):
    sign(log, reading(diagnosis="MM", who="ana"))
    with pytest.raises(NotSigned, match=r"ana signed MM on [\d-]+ \d\d:\d\d UTC"):
        sign(log, reading(diagnosis="Nev", who="rui"))
    assert sign(log, reading(diagnosis="Nev", who="rui", known_until=newest(log)))
    assert read_confirmations(log)[0]["diagnosis"].tolist() == ["Nev"]
    assert read_entries(log)[0]["signed_by"].tolist() == ["ana", "rui"], "the first entry stays"


def test_a_form_that_is_sent_twice_signs_once(log):
    assert sign(log, reading(note="a"))
    assert not sign(log, reading(note="a"))
    assert len(read_entries(log)[0]) == 1
    with pytest.raises(NotSigned):
        sign(log, reading(note="b"))


def test_a_second_opinion_that_agrees_is_kept_and_takes_nothing_from_histology(log):
    confirm(log, file_of(log, "case-0,MM,histology"))
    assert sign(log, reading(known_until=newest(log)))
    assert read_confirmations(log)[0][["diagnosis", "confirmed_by"]].to_numpy().tolist() == [["MM", "histology"]]
    assert read_every_confirmation(log)["confirmed_by"].tolist() == ["histology"]
    assert read_entries(log)[0]["confirmed_by"].tolist() == ["histology", "reading"]
    assert confirm(log, file_of(log, "case-0,MM,histology")).known == 1, "what stands is still histology"


def test_a_reading_does_not_replace_another_diagnosis_by_histology(log):
    confirm(log, file_of(log, "case-0,MM,histology"))
    with pytest.raises(NotSigned, match="a correction rests on histology or more"):
        sign(log, reading(diagnosis="Nev", known_until=newest(log)))
    assert sign(log, reading(diagnosis="Nev", by="histology", known_until=newest(log)))
    assert read_confirmations(log)[0]["diagnosis"].tolist() == ["Nev"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (reading(99), "no photograph of this case"),
        (reading(diagnosis="monkeypox"), "not in the taxonomy"),
        (reading(by="guess"), "say what the diagnosis rests on"),
        (reading(by=""), "say what the diagnosis rests on"),
        (reading(who=" "), "signed by an account"),
        (reading(note="x" * (LONGEST_NOTE + 1)), "shorten it"),
    ],
    ids=["case", "diagnosis", "kind", "no kind", "account", "note"],
)
def test_what_cannot_be_signed_says_why_and_nothing_is_recorded(log, wrong, said):
    with pytest.raises(NotSigned, match=said):
        sign(log, wrong)
    assert read_entries(log)[0].empty


def test_a_note_keeps_its_lines_and_no_control_characters():
    assert clean_note(" a\r\nb\x00\x1b[31m\u202e ") == "a\nb[31m"


def test_of_many_who_sign_at_once_one_is_recorded_and_each_other_is_told(log):
    def one(number: int) -> str:
        try:
            return (
                "signed" if sign(log, reading(diagnosis="MM" if number % 2 else "Nev", who=f"reader {number}")) else ""
            )
        except NotSigned as problem:
            return str(problem)

    with ThreadPoolExecutor(8) as readers:
        answers = list(readers.map(one, range(8)))
    assert answers.count("signed") == 1
    assert sum("signed" in answer and "look at that" in answer for answer in answers) == 7
    assert len(read_entries(log)[0]) == 1


def test_readers_of_two_processes_lose_nothing(log):
    script = (
        "import sys; from pathlib import Path; from dermai.prediction_log.log import PredictionLog\n"
        "from dermai.prediction_log.signing import Reading, sign\n"
        "log = PredictionLog(Path(sys.argv[1]))\n"
        "for n in range(int(sys.argv[2]), 4, 2):\n"
        "    sign(log, Reading(f'case-{n}', f'lesion-{n}', 'Nev', 'reading', sys.argv[2]))\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", script, str(log.folder), str(n)]) for n in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    assert sorted(read_confirmations(log)[0]["case_id"]) == [f"case-{n}" for n in range(4)]
    assert all(first < second for first, second in pairwise(read_entries(log)[0]["written"]))


def test_a_log_of_an_earlier_release_has_no_signatures_and_is_read_all_the_same(log):
    confirm(log, file_of(log, "case-0,MM,histology"))
    part = next((log.folder / "confirmations").glob("*.parquet"))
    older = pd.read_parquet(part).drop(columns=["signed_by", "note", "agrees"])
    older.to_parquet(part)
    log.audit.append(DiagnosesRecorded(part=part.name, sha256=sha256_file(part), rows=1))
    assert read_entries(log)[0][["diagnosis", "signed_by", "note", "agrees"]].to_numpy().tolist() == [
        ["MM", "", "", False]
    ]
