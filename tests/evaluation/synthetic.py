"""Cases and model answers drawn from numbers alone: several photographs a lesion, several lesions a patient."""

from __future__ import annotations

import numpy as np
import pandas as pd

CLASSES = ("SebKer", "ActKer", "Nev", "VWart", "OtMalNeop", "BCC", "MM")
FREQUENCIES = np.array([0.25, 0.2, 0.25, 0.08, 0.06, 0.1, 0.06])


def draw_cases(patients: int, seed: int, classes: tuple[str, ...] = CLASSES) -> pd.DataFrame:
    """A case table's columns that the evaluation reads."""
    random = np.random.default_rng(seed)
    weights = FREQUENCIES[: len(classes)] / FREQUENCIES[: len(classes)].sum()
    rows = []
    for patient in range(patients):
        who = {
            "patient_id": f"patient-{patient}",
            "site": f"centre-{patient % 3}",
            "sex": str(random.choice(["female", "male", ""])),
            "age": float(random.integers(20, 90)),
            "skin_type": str(random.choice(["1", "2", "3", "4", ""])),
            "confirmed_by": "histology",
            "view": str(random.choice(["macroscopic", "anatomical"])),
            "source": "dermai",
        }
        for lesion in range(random.integers(1, 4)):
            diagnosis = str(random.choice(classes, p=weights))
            for _ in range(random.integers(1, 3)):
                number = len(rows)
                rows.append(
                    {
                        "image": f"{number:064x}",
                        "case_id": f"case-{number}",
                        "lesion_id": f"lesion-{patient}-{lesion}",
                        "diagnosis": diagnosis,
                        **who,
                    }
                )
    return pd.DataFrame(rows)


def draw_probabilities(
    cases: pd.DataFrame, seed: int, skill: float = 2.0, classes: tuple[str, ...] = CLASSES
) -> np.ndarray:
    """Softmax of noise, with the true class's logit raised by `skill`; photographs of a lesion share half the noise."""
    random = np.random.default_rng(seed)
    lesion, lesions = pd.factorize(cases["lesion_id"])
    logits = random.normal(size=(len(lesions), len(classes)))[lesion] + random.normal(size=(len(cases), len(classes)))
    truth = pd.Categorical(cases["diagnosis"], categories=list(classes)).codes
    known = truth >= 0
    logits[np.flatnonzero(known), truth[known]] += skill
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True)
