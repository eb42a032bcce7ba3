from __future__ import annotations

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from dermai.config import DataParams
from dermai.data.splits import assign_splits, patient_strata

PARAMS = DataParams(test_fraction=0.2)


def photographs(*rows: tuple[str, str], source: str = "dermai", split: str = "") -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["patient_id", "diagnosis"])
    return table.assign(source=source, split=split)


NOBODY = photographs().astype(str)


def arrived(new: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    splits = assign_splits(new, known, PARAMS, seed=1)
    return pd.concat([known, new.assign(split=new["patient_id"].map(splits))], ignore_index=True)


def test_a_known_patient_s_later_photographs_follow_the_first() -> None:
    known = photographs(("a", "Nev"), split="test")
    assert assign_splits(photographs(("a", "MM"), ("a", "BCC")), known, PARAMS, seed=1) == {"a": "test"}


def test_shares_hold_in_every_class() -> None:
    new = photographs(
        *((f"{code}{n}", code) for code, many in (("MM", 40), ("BCC", 100), ("Nev", 300)) for n in range(many))
    )
    cases = arrived(new, NOBODY)
    counts = pd.crosstab(cases["diagnosis"], cases["split"])
    assert counts["test"].to_dict() == {"MM": 8, "BCC": 20, "Nev": 60}


def test_shares_hold_when_patients_arrive_one_by_one() -> None:
    cases = NOBODY
    for number in range(60):
        cases = arrived(photographs((f"p{number}", "MM" if number % 3 else "Nev")), cases)
    counts = pd.crosstab(cases["diagnosis"], cases["split"])
    assert counts["test"].to_dict() == {"MM": 8, "Nev": 4}


def test_two_patients_of_a_class_are_divided_and_one_is_trained_on() -> None:
    cases = arrived(photographs(("a", "MM"), ("b", "MM"), ("c", "BCC")), NOBODY)
    assert sorted(cases.loc[cases["diagnosis"] == "MM", "split"]) == ["test", "train"]
    assert cases.loc[cases["diagnosis"] == "BCC", "split"].tolist() == ["train"]


def test_the_draw_depends_on_the_patient_and_not_on_the_order_or_the_pseudonym() -> None:
    new = photographs(*((f"p{n}", "Nev") for n in range(50)))
    splits = assign_splits(new, NOBODY, PARAMS, seed=1)
    assert assign_splits(new.iloc[::-1], NOBODY, PARAMS, seed=1) == splits
    assert assign_splits(new, NOBODY, PARAMS, seed=2) != splits
    renamed = new.assign(patient_id="x" + new["patient_id"].str[::-1], draw_key=new["patient_id"])
    assert list(assign_splits(renamed, NOBODY, PARAMS, seed=1).values()) == list(splits.values())


def test_a_patient_belongs_to_its_most_important_diagnosis() -> None:
    cases = photographs(
        ("a", "Nev"), ("a", "MM"), ("b", "BCC"), ("b", "MolCont"), ("c", "Nev"), ("c", "Haem"), ("d", "")
    )
    strata = patient_strata(pd.concat([cases, photographs(("e", "Nev"))]))
    assert dict(zip(strata["patient_id"], strata["stratum"], strict=True)) == {
        "a": "MM",
        "b": "BCC",
        "c": "Haem",
        "d": "",
        "e": "Nev",
    }


def test_a_split_that_the_sender_states_is_taken_for_new_patients() -> None:
    new = pd.concat([photographs(("a", "MM"), split="test"), photographs(("b", "MM"))], ignore_index=True)
    assert assign_splits(new, NOBODY, PARAMS, seed=1)["a"] == "test"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["MM", "BCC", "Nev", ""])), min_size=1), st.integers(0, 60)
)
def test_no_patient_is_ever_in_two_splits_and_none_moves(rows: list[tuple[int, str]], cut: int) -> None:
    table = photographs(*((f"p{patient}", code) for patient, code in rows))
    first = arrived(table[:cut], NOBODY)
    both = arrived(table[cut:], first)
    assert both.groupby("patient_id")["split"].nunique().max() == 1
    assert both["split"].isin(["train", "test"]).all()
    assert both[: len(first)]["split"].tolist() == first["split"].tolist()
