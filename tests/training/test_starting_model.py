"""What was withdrawn stays out, over several versions and whichever update took it out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dermai.config import Params
from dermai.continual.plan import UpdatePlan, plan_update
from dermai.models.linear_head import LinearHead
from dermai.models.package import MANIFEST_COLUMNS, ModelPackage
from dermai.models.sisters import LinearParts, Member
from dermai.training.starting_model import CannotTrain, usable_parent
from dermai.training.training_cases import manifest_after, training_cases
from tests.packages import CLASSES, make_package

MODEL = {"backbone": "mobilenetv3_small_050", "image_size": 64, "interpolation": "nearest", "pretrained": "none"}
PARAMS = Params.model_validate({"model": MODEL, "training": {"learner": "network"}})


def patients(*names: str, split: str = "train") -> pd.DataFrame:
    """A photograph of each class for each patient."""
    rows = [
        dict.fromkeys(MANIFEST_COLUMNS, "") | {"image": f"{name}-{code}", "patient_id": name, "diagnosis": code}
        for name in names
        for code in CLASSES
    ]
    return pd.DataFrame(rows).assign(split=split)


class Line:
    """Versions one after the other, as an update makes each from what it found."""

    def __init__(self) -> None:
        self.versions: list[ModelPackage] = []
        self.plans: list[UpdatePlan] = []
        self.parents: list[ModelPackage | None] = []

    def update(self, cases: pd.DataFrame, promoted: bool = True) -> ModelPackage:
        """Champion is the newest version that was promoted, anchor the first."""
        champion = self.versions[-1] if self.versions else None
        plan = plan_update(cases, champion.manifest if champion else None, PARAMS)
        start = {"update": champion, "from_anchor": self.versions[0] if self.versions else None}.get(plan.mode)
        parent = usable_parent(plan, PARAMS, start, cases)
        learnt, validation, _ = training_cases(plan, cases, parent)
        made = replace(make_package(), manifest=manifest_after(parent, learnt, validation))
        self.plans.append(plan)
        self.parents.append(parent)
        if promoted:
            self.versions.append(made)
        return made


FIRST = pd.concat([patients("x", "y", "z"), patients("v", "w", split="validation"), patients("t", split="test")])


def held(package: ModelPackage) -> set[str]:
    return set(package.manifest["patient_id"])


def without(cases: pd.DataFrame, *names: str) -> pd.DataFrame:
    return cases[~cases["patient_id"].isin(names)]


def test_a_patient_who_withdrew_first_is_not_learnt_again_when_another_withdraws() -> None:
    """Reproduced on an earlier release: version 4 started from the anchor that had learnt from x."""
    line = Line()
    assert held(line.update(FIRST)) == {"x", "y", "z", "v", "w"}
    now = without(FIRST, "x")
    assert held(line.update(now)) == {"y", "z", "v", "w"}
    now = pd.concat([now, patients("n")])
    assert held(line.update(now)) == {"y", "z", "n", "v", "w"}
    now = without(now, "y")
    assert held(line.update(now)) == {"z", "n", "v", "w"}
    assert [plan.mode for plan in line.plans] == ["bootstrap", "from_anchor", "update", "from_anchor"]
    assert [parent is None for parent in line.parents] == [True, True, False, True]


@pytest.mark.parametrize("way", ["gone", "test"])
def test_a_validation_patient_who_may_not_choose_any_more_leaves_no_trace(way: str) -> None:
    line = Line()
    line.update(FIRST)
    now = without(FIRST, "w") if way == "gone" else FIRST.assign(
        split=FIRST["split"].where(FIRST["patient_id"] != "w", "test")
    )  # fmt: skip
    assert "w" not in held(line.update(now))
    assert line.plans[-1].removed == tuple(f"w-{code}" for code in CLASSES)
    assert line.parents[-1] is None


def test_a_rejected_version_leaves_what_was_withdrawn_to_the_next() -> None:
    line = Line()
    line.update(FIRST)
    line.update(without(FIRST, "x"), promoted=False)
    made = line.update(pd.concat([without(FIRST, "x"), patients("n")]))
    assert held(made) == {"y", "z", "n", "v", "w"}
    assert line.parents[-1] is None


def test_a_network_does_not_go_on_from_linear_heads() -> None:
    """Its plan may replay a part of what they know: nothing else would be left of the rest."""
    head = LinearHead(np.zeros((3, 5), np.float32), np.zeros(3, np.float32))
    parts = LinearParts((5,), Member(head, None, np.ones(1, bool)), {})
    champion = replace(make_package(), linear_parts=parts)
    due = UpdatePlan(mode="update")
    with pytest.raises(CannotTrain, match=r"has linear heads: .*continual\.strategy: joint"):
        usable_parent(due, PARAMS, champion, FIRST)
    anew = PARAMS.model_copy(update={"continual": PARAMS.continual.model_copy(update={"strategy": "joint"})})
    assert usable_parent(due, anew, champion, FIRST) is None
    assert usable_parent(UpdatePlan(mode="from_anchor"), PARAMS, champion, FIRST) is None, "everything is learnt anew"
