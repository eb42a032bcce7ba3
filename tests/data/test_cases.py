from pathlib import Path

import pandas as pd
import pytest

from dermai.data.cases import COLUMNS, SYMPTOMS, case_problems, read_cases, trainable, write_cases
from dermai.errors import InvalidCases


def a_case(number: int = 1, **changed: object) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(COLUMNS, "")
    row |= {
        "image": f"{number:064x}", "case_id": f"case{number}", "patient_id": f"patient{number}",
        "lesion_id": f"lesion{number}", "diagnosis": "Nev", "source_label": "Nev", "source": "dermai",
        "view": "macroscopic", "age": 61.0, "sex": "female", "skin_type": "2", "split": "train", "fold": "1",
        "batch": "first",
    }  # fmt: skip
    return row | changed


def table(*rows: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(COLUMNS))


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    cases = table(a_case(1), a_case(2, age=float("nan"), diagnosis="", body_site="face, left"))
    write_cases(tmp_path / "cases.csv", cases)
    pd.testing.assert_frame_equal(read_cases(tmp_path / "cases.csv"), cases)
    assert "61," in (tmp_path / "cases.csv").read_text()


def test_a_table_from_before_there_were_symptoms_is_read_with_none_known(tmp_path: Path) -> None:
    table(a_case(1)).drop(columns=list(SYMPTOMS)).to_csv(tmp_path / "cases.csv", index=False)
    assert set(read_cases(tmp_path / "cases.csv")[list(SYMPTOMS)].to_numpy().ravel()) == {""}


def test_cases_without_a_place_in_the_taxonomy_are_not_trained_on() -> None:
    assert list(trainable(table(a_case(1), a_case(2, diagnosis="")))["case_id"]) == ["case1"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"diagnosis": "Melanoma"}, "unknown diagnosis 'Melanoma'"),
        ({"age": 400.0}, "age is not in 0 to 120"),
        ({"age": -3.0}, "age is not in 0 to 120"),
        ({"image": "../../etc/passwd"}, "image is not a content hash"),
        ({"patient_id": ""}, "patient_id is empty"),
        ({"skin_type": "7"}, "skin_type is not Fitzpatrick"),
        ({"acquired_on": "03/01/2026"}, "acquired_on is not a date"),
        ({"itch": "maybe"}, "unknown itch 'maybe'"),
        ({"split": "testing"}, "unknown split 'testing'"),
        ({"split": "validation"}, "unknown split 'validation'"),
        ({"fold": "-1"}, "unknown fold '-1'"),
        ({"fold": ""}, "a patient to train on has no fold"),
        ({"split": "test"}, "a test patient has a fold: '1'"),
    ],
)
def test_a_bad_value_is_named_with_its_line_and_case(changed: dict[str, object], message: str) -> None:
    problems = case_problems(table(a_case(1), a_case(2, **changed)))
    assert len(problems) == 1
    assert problems[0].startswith("line 3 (case 'case2')")
    assert message in problems[0]


def test_a_patient_in_two_splits_is_named() -> None:
    cases = table(a_case(1, patient_id="p"), a_case(2, patient_id="p", split="test", fold=""))
    assert "patient_id 'p' has more than one split: test, train" in case_problems(cases)


def test_a_patient_in_two_folds_is_named() -> None:
    cases = table(a_case(1, patient_id="p"), a_case(2, patient_id="p", fold="3"))
    assert case_problems(cases) == ["patient_id 'p' has more than one fold: 1, 3"]


def test_a_photograph_that_stands_in_the_table_twice_is_named() -> None:
    (problem,) = case_problems(table(a_case(1), a_case(1, case_id="again")))
    assert "(case 'again')" in problem
    assert "twice" in problem


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"image,case_id\n1.jpg,P\0001\n", "NUL bytes"),
        (",".join([*COLUMNS, "image"]).encode() + b"\n", "more than once"),
        (",".join(COLUMNS).encode() + b"\n" + b"," * len(COLUMNS) + b"x\n", "row 2 has more cells"),
        (";".join(COLUMNS).encode() + b"\n", "separated by ';'"),
        (b"image,case_id\n", "lacks the columns"),
        (",".join(COLUMNS).encode() + "\n,São".encode("latin-1"), "line 2 is not UTF-8"),
        ((",".join(COLUMNS) + ",weight\n").encode(), r"unknown columns \['weight'\]"),
        ((",".join(COLUMNS) + "\n" + ",,,,,,,,,old" + "," * 8 + "\n").encode(), "line 2: age 'old' is not a number"),
    ],
)
def test_an_unusable_file_is_one_clear_error(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "cases.csv").write_bytes(content)
    with pytest.raises(InvalidCases, match=message):
        read_cases(tmp_path / "cases.csv")


def test_a_missing_table_names_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(InvalidCases, match="dvc pull"):
        read_cases(tmp_path / "cases.csv")


def test_what_earlier_releases_wrote_of_pad_ufes_20_is_the_consensus_that_its_publisher_names(tmp_path: Path) -> None:
    cases = table(
        a_case(1, source="pad_ufes_20", confirmed_by="dermatologist"), a_case(2, confirmed_by="dermatologist")
    )
    write_cases(tmp_path / "cases.csv", cases)
    assert read_cases(tmp_path / "cases.csv")["confirmed_by"].tolist() == ["consensus", "dermatologist"]
