"""The second column of evidence, from what the lines of candidate, champion and anchor answer."""

from __future__ import annotations

import pandas as pd

from dermai.evaluation.all_lesions import DEPLOYED, AllLesionsAnswers
from dermai.gate.agreement import agreement
from dermai.gate.columns import SecondColumn
from dermai.gate.policy import GatePolicy
from dermai.gate.reference_standard import counting_on_test_patients
from dermai.gate.results import LesionResults

REFERENCES = ("champion", "anchor")


def second_column(
    policy: GatePolicy, answers: AllLesionsAnswers | None, judged: str = "candidate"
) -> SecondColumn | None:
    """All lesions that count and that every line answers; None without answers, as where a line has no sisters.

    `judged` is the role of the model that is judged: a champion that is judged by itself is compared with nobody.
    """
    if answers is None or answers.missing:
        return None
    references = REFERENCES if judged == "candidate" else ()
    tables = {role: table.set_index("lesion_id", drop=False) for role, table in answers.lesions.groupby("role")}
    tables = {role: tables[role] for role in (judged, *references) if role in tables}
    together = sorted(set[str].intersection(*(set(table.index) for table in tables.values())))
    everything = set[str]().union(*(table.index for table in tables.values()))
    asked = tables[judged].loc[together]
    counts = counting_on_test_patients(policy, asked["diagnosis"], asked["confirmed_by"])
    results = {role: LesionResults.from_table(table.loc[together]).at(counts) for role, table in tables.items()}
    calls = answers.calls[answers.calls["role"] == judged].pivot_table(
        index="lesion_id", columns="member", values="called", aggfunc="first"
    )
    calls = calls if DEPLOYED in calls else pd.DataFrame({DEPLOYED: []})  # nobody whom none of them has learnt
    sisters = calls.drop(columns=DEPLOYED).to_numpy(dtype=str).T
    found = agreement(policy, calls[DEPLOYED].to_numpy(dtype=str), sisters)
    champion, anchor = (results[role] if role in references and role in results else None for role in REFERENCES)
    new = tables["champion"].loc[together, "new"].to_numpy(dtype=bool)[counts] if champion else None
    return SecondColumn(results[judged], champion, anchor, found, len(everything) - len(together), new)
