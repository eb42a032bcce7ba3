"""A version with records of everything that documents are written from, on numbers that are made up."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dermai.evaluation.comparison import ModelEvaluation
from dermai.evaluation.metrics import evaluate
from dermai.gate.decision import decide
from dermai.gate.findings import GateDecision, SubgroupFinding
from dermai.gate.policy import GatePolicy
from dermai.records.update_record import DatasetRecord, PhotographSet
from tests.gate.simulated import first_hit, lesions
from tests.promotion.fleet import WHO, Fleet

CLASSES = ("Nev", "BCC", "MM")
SITE, LEAKED = "simulated centre A", "patient 0a1b2c is in train and test"


def evaluation(found: int = 43, of: int = 50) -> ModelEvaluation:
    """A model that finds so many of its melanomas, and of each other class."""
    answers = [code if place < found else "Nev" if code != "Nev" else "MM" for code in CLASSES for place in range(of)]
    table = pd.DataFrame({"diagnosis": np.repeat(CLASSES, of), "predicted": answers})
    table = table.assign(patient_id=[f"p{place}" for place in range(len(table))], **{f"p_{c}": 1 / 3 for c in CLASSES})
    result = evaluate(table, CLASSES)
    return ModelEvaluation(sha256="s", operating_points={"MM": 0.3}, lesions=result, photographs=result)


def decision() -> GateDecision:
    """All tests shown, with one group of patients."""
    found = decide(GatePolicy(), lesions({code: first_hit(190, 200) for code in ("MM", "BCC", "Nev")}))
    group = SubgroupFinding(
        code="MM", attribute="skin_type", group="2", lesions=40, patients=40, candidate_hits=37, champion_hits=36,
        difference=0.025, p_value_worse=0.8, allowed_drop=0.1, verdict="shown",
    )  # fmt: skip
    return found.model_copy(update={"subgroups": (group,)})


def photographs(number: int, digest: str) -> PhotographSet:
    """A set of photographs with counts of what they show."""
    counts = {"diagnosis": {"MM": number}, "site": {SITE: number}, "skin_type": {"2": number - 5, "": 5}}
    return PhotographSet(sha256=digest * 64, photographs=number, lesions=number, patients=number - 1, counts=counts)


def made_version(fleet: Fleet, promoted: bool = True) -> str:
    """The number of a version with records and, where wanted, a promotion."""
    version: str = fleet.candidate(
        "promote",
        decision=decision(),
        evaluation={"candidate": evaluation(), "champion": evaluation(40)},
        dataset=DatasetRecord(
            version="1111aaaa2222bbbb",
            sets={"train": photographs(400, "a"), "test": photographs(150, "b")},
            leakage=(LEAKED,),
        ),
        change_note="First model, trained with photographs: 400 new.",
    )
    if promoted:
        fleet.promote(version)
    return version


NAMED_PERSON = WHO["approver"]
