"""From what to what diagnoses were changed."""

from __future__ import annotations

import pandas as pd

from dermai.continual.plan import plan_update
from dermai.continual.relabelling import Relabelling, relabellings
from tests.continual.test_plan import manifest, params, table


def test_cases_are_counted_by_what_they_were_and_what_they_are() -> None:
    before = pd.concat([table(["MM"] * 6 + ["Nev"] * 3), table(["MM"] * 2, "validation", 900)], ignore_index=True)
    before["case_id"] = [f"c{number // 2}" for number in range(len(before))]
    after = before.copy()
    after.loc[[0, 1, 2, 3, 9, 10], "diagnosis"] = "Nev"
    after.loc[6, "diagnosis"] = "BCC"
    plan = plan_update(after, manifest(before), params())
    assert relabellings(plan, after) == (
        Relabelling(before="MM", now="Nev", cases=4, photographs=6),
        Relabelling(before="Nev", now="BCC", cases=1, photographs=1),
    )
    assert relabellings(plan_update(before, manifest(before), params()), before) == ()
