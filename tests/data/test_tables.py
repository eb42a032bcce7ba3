from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dermai.data.tables import as_written, csv_text, read_text_table, spreadsheet_safe
from dermai.errors import InvalidCases

COLUMNS = ("case_id", "diagnosis")
ROWS = [["1", "São"], ["2", "a, b; c"]]


def written(rows: list[list[str]], delimiter: str = ",", ending: str = "\n") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=ending).writerows([COLUMNS, *rows])
    return text.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_what_a_spreadsheet_saves_is_read_alike(tmp_path: Path, delimiter: str, ending: str, encoding: str) -> None:
    (tmp_path / "t.csv").write_bytes(written(ROWS, delimiter, ending).encode(encoding))
    assert read_text_table(tmp_path / "t.csv", COLUMNS).to_numpy().tolist() == ROWS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"case_id,diagnosis\n1,P\0a\n", "NUL bytes"),
        ("case_id,diagnosis\n1,MM\n".encode("utf-16-le"), "NUL bytes"),
        (b"\xff\xfe", "is empty"),
        (b"\xff\xfec\x00a\x00s", "is not UTF-16-LE"),
        ("case_id,diagnosis\n1,São\n".encode("cp1252"), "line 2 is not UTF-8"),
        ("case_id,diagnosis\n1,São\n".encode("mac-roman"), "line 2 is not UTF-8"),
        (b"case_id,diagnosis\n1,MM,histology\n2,Nev\n", "row 2 has more cells"),
        (b"case_id,diagnosis\n1,MM\n2,Nev,x\n", "row 3 has more cells"),
        (b"case_id,diagnosis,\n1,MM,\n2,a,b\n", "row 3 has more cells"),
        (b"case_id,diagnosis,diagnosis\n1,Nev,MM\n", "more than once"),
        (b"case_id,diagnosis, Diagnosis\n1,Nev,MM\n", "more than once"),
        (b'case_id,diagnosis\n1,"MM\n2,Nev\n', "cannot be read as CSV"),
        (b'case_id,diagnosis\n1,"MM"x\n', "cannot be read as CSV"),
        (b"case_id|diagnosis\n1|MM\n", r"separated by '\|'"),
        (b"\n\n", "is empty"),
        (b"case\n1\n", "lacks the columns"),
    ],
)
def test_a_table_that_could_be_read_in_two_ways_is_refused_with_one_message(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(InvalidCases, match=message):
        read_text_table(tmp_path / "t.csv", COLUMNS)


def test_a_folder_and_a_file_that_is_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidCases, match="is a folder"):
        read_text_table(tmp_path, COLUMNS)
    with pytest.raises(InvalidCases, match="is not there"):
        read_text_table(tmp_path / "t.csv", COLUMNS)


def test_blank_rows_and_columns_are_passed_over_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sep=;\ncase_id;diagnosis;;\n1;MM;;\n\n;;;\n2\n; ;\n")
    table = read_text_table(tmp_path / "t.csv", COLUMNS)
    assert table.to_dict("list") == {"case_id": ["1", "2"], "diagnosis": ["MM", ""]}
    assert (table.index + 2).tolist() == [2, 5]


def test_names_of_columns_are_read_without_spaces_and_in_lower_case(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Case_ID , DIAGNOSIS,Age\n1,MM,50\n")
    assert list(read_text_table(tmp_path / "t.csv", COLUMNS)) == ["case_id", "diagnosis", "age"]


@given(st.text())
def test_no_cell_is_a_formula_and_each_can_be_read_back(text: str) -> None:
    safe = spreadsheet_safe(text)
    assert not safe.startswith(("=", "@", "\t", "\r"))
    if not text.startswith("'"):
        assert as_written(safe) == text


def test_numbers_stay_numbers_in_a_table_that_is_written() -> None:
    table = pd.DataFrame({"site": ["=1+1", "-2", "+x", "Braga"], "change": [-0.5, 1.0, 0.0, 2.0]})
    assert csv_text(table) == "site,change\n'=1+1,-0.5\n-2,1.0\n'+x,0.0\nBraga,2.0\n"
