from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dermai.data.cases import COLUMNS as CASE_COLUMNS
from dermai.data.cases import case_problems, parse_cases, read_cases, write_cases
from dermai.data.folds import assign_folds, held_out, training_roles, with_folds

FOLDS = 5
COLUMNS = ["patient_id", "source", "diagnosis", "split", "fold"]
Patient = tuple[str, str, str]  # its source, its diagnosis, its split

PATIENTS = st.tuples(
    st.sampled_from(["dermai", "derm7pt"]),
    st.sampled_from(["MM", "BCC", "Nev", ""]),
    st.sampled_from(["train", "train", "train", "test"]),
)


def photographs(patients: list[Patient], prefix: str = "p") -> pd.DataFrame:
    rows = [(f"{prefix}{number}", *patient, "") for number, patient in enumerate(patients)]
    return pd.DataFrame(rows, columns=COLUMNS, dtype=object)


NOBODY = photographs([])


def arrived(new: pd.DataFrame, known: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    folds = assign_folds(new, known, FOLDS, seed)
    return pd.concat([known, new.assign(fold=new["patient_id"].map(folds))], ignore_index=True)[COLUMNS]


def fold_of(cases: pd.DataFrame) -> dict[str, str]:
    return dict(zip(cases["patient_id"], cases["fold"], strict=True))


@settings(max_examples=60, deadline=None)
@given(patients=st.lists(PATIENTS, min_size=1, max_size=80))
def test_a_first_import_deals_every_source_and_diagnosis_evenly(patients: list[Patient]) -> None:
    cases = arrived(photographs(patients), NOBODY)
    trained = cases[cases["split"] == "train"]
    for _, alike in trained.groupby(["source", "diagnosis"]):
        counts = alike["fold"].value_counts().reindex([str(n) for n in range(FOLDS)], fill_value=0)
        assert counts.max() - counts.min() <= 1
    assert (cases.loc[cases["split"] == "test", "fold"] == "").all()


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.lists(PATIENTS, min_size=1, max_size=12), min_size=2, max_size=6))
def test_arrivals_keep_the_folds_even_and_move_nobody(batches: list[list[Patient]]) -> None:
    cases = NOBODY
    for number, batch in enumerate(batches):
        before = fold_of(cases)
        cases = arrived(photographs(batch, prefix=f"b{number}p"), cases)
        assert before.items() <= fold_of(cases).items()
    trained = cases[(cases["split"] == "train") & (cases["diagnosis"] == "MM")]
    for _, alike in trained.groupby("source"):  # the others' rarity, and so their rank, changes nothing for MM
        counts = alike["fold"].value_counts().reindex([str(n) for n in range(FOLDS)], fill_value=0)
        assert counts.max() - counts.min() <= 1


@settings(max_examples=60, deadline=None)
@given(
    patients=st.lists(PATIENTS, min_size=2, max_size=30),
    corrected=st.lists(st.sampled_from(["MM", "BCC", "Nev", ""]), min_size=30, max_size=30),
    gone=st.sets(st.integers(0, 29)),
)
def test_corrections_withdrawals_and_rotated_keys_move_nobody(
    patients: list[Patient], corrected: list[str], gone: set[int]
) -> None:
    cases = arrived(photographs(patients), NOBODY)
    left = cases.assign(diagnosis=corrected[: len(cases)]).drop(index=[n for n in gone if n < len(cases)])
    renamed = left.assign(patient_id="rotated" + left["patient_id"])
    again = renamed.assign(fold="", split=renamed["split"])
    assert assign_folds(again, renamed, FOLDS, seed=99) == fold_of(renamed)
    newcomers = photographs([("dermai", "MM", "train")] * 3, prefix="new")
    assert fold_of(renamed).items() <= fold_of(arrived(newcomers, renamed)).items()


def test_the_draw_depends_on_the_patient_and_not_on_the_order_or_the_pseudonym() -> None:
    new = photographs([("dermai", "Nev", "train")] * 50)
    folds = assign_folds(new, NOBODY, FOLDS, seed=1)
    assert assign_folds(new.iloc[::-1], NOBODY, FOLDS, seed=1) == folds
    assert assign_folds(new, NOBODY, FOLDS, seed=2) != folds
    renamed = new.assign(patient_id="x" + new["patient_id"].str[::-1], draw_key=new["patient_id"])
    assert list(assign_folds(renamed, NOBODY, FOLDS, seed=1).values()) == list(folds.values())


def test_a_fold_that_is_given_is_taken_and_the_others_fill_up_beside_it() -> None:
    new = photographs([("derm7pt", "MM", "train")] * 10)
    new.loc[:1, "fold"] = "0"
    folds = assign_folds(new, NOBODY, FOLDS, seed=1)
    assert (folds["p0"], folds["p1"]) == ("0", "0")
    assert sorted(folds.values()) == sorted(["0", "1", "2", "3", "4"] * 2)


def test_rarest_patients_go_to_the_folds_that_have_fewest() -> None:
    new = photographs([("dermai", "MM", "train")] * 4 + [("derm7pt", "BCC", "train")])
    counts = pd.Series(assign_folds(new, NOBODY, FOLDS, seed=1)).value_counts()
    assert counts.to_dict() == {"0": 1, "1": 1, "2": 1, "3": 1, "4": 1}


@pytest.mark.parametrize(
    ("split", "fold", "expected"), [("train", "0", True), ("train", "1", False), ("test", "", False)]
)
def test_one_fold_of_the_patients_to_train_on_is_held_out(split: str, fold: str, expected: bool) -> None:
    assert held_out(photographs([("dermai", "MM", split)]).assign(fold=fold)).tolist() == [expected]


def test_to_a_training_every_row_is_learnt_from_held_out_or_tested() -> None:
    cases = photographs([("dermai", "MM", split) for split in ("test", "train", "train")])
    cases["fold"] = ["", "0", "1"]
    assert training_roles(cases).tolist() == ["test", "validation", "train"]


EARLIER_ROWS = st.lists(
    st.tuples(st.sampled_from(["MM", "BCC", "Nev", ""]), st.sampled_from(["train", "train", "validation", "test"])),
    min_size=1,
    max_size=60,
)


def earlier(rows: list[tuple[str, str]]) -> pd.DataFrame:
    table = [
        dict.fromkeys(CASE_COLUMNS, "")
        | {"image": f"{n:064x}", "case_id": f"c{n}", "patient_id": f"p{n}", "lesion_id": f"l{n}", "batch": "b"}
        | {"source": "dermai", "diagnosis": diagnosis, "split": split, "age": float("nan")}
        for n, (diagnosis, split) in enumerate(rows)
    ]
    return pd.DataFrame(table, columns=list(CASE_COLUMNS)).drop(columns="fold")


@settings(max_examples=50, deadline=None)
@given(rows=EARLIER_ROWS)
def test_who_validated_is_the_held_out_fold_and_who_was_learnt_from_never_is(rows: list[tuple[str, str]]) -> None:
    before = earlier(rows)
    cases = with_folds(before)
    assert case_problems(cases) == []
    assert ((cases["fold"] == "0") == (before["split"] == "validation")).all()
    assert cases["split"].tolist() == before["split"].replace("validation", "train").tolist()


@settings(max_examples=50, deadline=None)
@given(rows=EARLIER_ROWS)
def test_the_others_are_dealt_evenly_whatever_the_order_of_rows(rows: list[tuple[str, str]]) -> None:
    cases = with_folds(earlier(rows))
    learnt = cases[(cases["split"] == "train") & (cases["fold"] != "0")]
    for _, alike in learnt.groupby("diagnosis"):
        counts = alike["fold"].value_counts().reindex(list("1234"), fill_value=0)
        assert counts.max() - counts.min() <= 1
    pd.testing.assert_frame_equal(with_folds(earlier(rows)[::-1])[::-1], cases)


def test_every_reading_gives_the_same_folds_and_writing_keeps_them(tmp_path: Path) -> None:
    before = earlier([(code, split) for code in ("MM", "Nev") for split in ["train"] * 9 + ["validation", "test"]])
    before.to_csv(tmp_path / "cases.csv", index=False)
    cases = read_cases(tmp_path / "cases.csv")
    pd.testing.assert_frame_equal(read_cases(tmp_path / "cases.csv"), cases)
    write_cases(tmp_path / "cases.csv", cases[cases["patient_id"] != "p0"])
    kept = read_cases(tmp_path / "cases.csv")
    pd.testing.assert_frame_equal(kept, cases[cases["patient_id"] != "p0"].reset_index(drop=True))


def test_a_patient_of_two_earlier_splits_is_still_named(tmp_path: Path) -> None:
    before = earlier([("MM", "train"), ("MM", "validation"), ("MM", "test")]).assign(patient_id="p")
    before.to_csv(tmp_path / "cases.csv", index=False)
    problems = case_problems(parse_cases(tmp_path / "cases.csv"))
    assert "patient_id 'p' has more than one split: test, train" in problems
