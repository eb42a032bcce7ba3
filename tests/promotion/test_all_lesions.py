"""The second column is made of the lesions that count and that every line answers."""

from __future__ import annotations

import pandas as pd

from dermai.evaluation.all_lesions import DEPLOYED, AllLesionsAnswers
from dermai.gate.policy import GatePolicy
from dermai.promotion.all_lesions import second_column

POLICY = GatePolicy()


def answered(role: str, lesions: str, by: str = "histology") -> pd.DataFrame:
    names = list(lesions)
    return pd.DataFrame(
        {"lesion_id": names, "patient_id": names, "diagnosis": "MM", "predicted": "MM", "confirmed_by": by,
         "sex": "f", "age": 50.0, "skin_type": "", "site": "", "fold": "0", "new": False, "role": role}
    )  # fmt: skip


def calls(role: str, **called: str) -> pd.DataFrame:
    members = {"deployed": DEPLOYED, "first": "0", "second": "1"}
    return pd.concat(
        pd.DataFrame({"lesion_id": ["t1", "t2"], "member": members[name], "called": list(codes.split()), "role": role})
        for name, codes in called.items()
    )


def test_only_lesions_that_every_line_answers_and_that_count_are_compared() -> None:
    tables = [answered("candidate", "abcd"), answered("champion", "cbae"), answered("anchor", "abce")]
    agreed = calls("candidate", deployed="MM Nev", first="MM Nev", second="MM Nev")
    found = second_column(POLICY, AllLesionsAnswers(pd.concat(tables), agreed, ""))
    assert found is not None
    assert list(found.candidate.lesion_id) == ["a", "b", "c"]
    assert found.left_out == 2
    assert [each.verdict for each in found.agreement] == ["shown", "shown"]
    readings = pd.concat([answered(role, "ab", "reading") for role in ("candidate", "champion")])
    uncounted = second_column(POLICY, AllLesionsAnswers(readings, agreed, ""))
    assert uncounted is not None
    assert len(uncounted.candidate) == 0


def test_a_champion_judged_by_itself_is_compared_with_nobody() -> None:
    tables = pd.concat([answered("candidate", "ab"), answered("champion", "abc")])
    said = calls("champion", deployed="MM MM", first="Nev Nev", second="Nev Nev")
    found = second_column(POLICY, AllLesionsAnswers(tables, said, ""), "champion")
    assert found is not None
    assert (len(found.candidate), found.champion, found.left_out) == (3, None, 0)
    assert found.agreement[0].verdict == "not_shown"


def test_there_is_no_column_where_a_line_has_no_sisters() -> None:
    assert second_column(POLICY, None) is None
    assert second_column(POLICY, AllLesionsAnswers(pd.DataFrame(), pd.DataFrame(), "the anchor has none")) is None
