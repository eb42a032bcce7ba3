"""Which diagnoses were changed since the champion learnt them: from what to what, and of how many cases."""

from __future__ import annotations

import pandas as pd
from pydantic import BaseModel, ConfigDict

from dermai.continual.plan import UpdatePlan


class Relabelling(BaseModel):
    """Cases whose diagnosis was `before` and is `now`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: str
    now: str
    cases: int
    photographs: int

    def __str__(self) -> str:
        return f"{self.cases} from {self.before} to {self.now}"


def relabellings(plan: UpdatePlan, cases: pd.DataFrame) -> tuple[Relabelling, ...]:
    """The relabelled training and validation cases of a plan, the most frequent change first."""
    rows = cases[cases["image"].isin(plan.relabelled_from)]
    groups = rows.assign(before=rows["image"].map(plan.relabelled_from)).groupby(["before", "diagnosis"])
    found = [
        Relabelling(before=str(before), now=str(now), cases=int(group["case_id"].nunique()), photographs=len(group))
        for (before, now), group in groups
    ]
    return tuple(sorted(found, key=lambda change: (-change.cases, change.before, change.now)))
