"""Simulated lesions and models, for tests of the gate's error rates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dermai.gate.results import LesionResults

MISSED = {"MM": "Nev", "BCC": "SebKer", "Nev": "MM", "SebKer": "BCC"}


def clustered(rng, patients, chances, correlation, largest=5):
    """Patient of each lesion [N] and an outcome [N]: 1 to `largest` lesions a patient, copied from a shared outcome
    with probability `correlation`, so that two lesions of a patient have that correlation."""
    sizes = rng.integers(1, largest + 1, patients)
    patient = np.repeat(np.arange(patients), sizes)
    shared = rng.choice(len(chances), size=patients, p=chances)
    own = rng.choice(len(chances), size=len(patient), p=chances)
    return patient, np.where(rng.random(len(patient)) < correlation, shared[patient], own)


def lesions(hits: Mapping[str, np.ndarray], patient_id: np.ndarray | None = None, **attributes) -> LesionResults:
    """Results from hits (boolean) by class, one class after the other; a patient a lesion unless named.

    A missed malignant lesion is called benign, a missed benign one malignant.
    """
    truth = np.repeat(list(hits), [len(found) for found in hits.values()])
    hit = np.concatenate([np.asarray(found, dtype=bool) for found in hits.values()])
    predicted = np.where(hit, truth, [MISSED[code] for code in truth])
    names = np.arange(len(truth)).astype(str)
    return LesionResults(names, names if patient_id is None else patient_id, truth, predicted, **attributes)


def first_hit(hits: int, n: int) -> np.ndarray:
    """The first `hits` of n are hits."""
    return np.arange(n) < hits


def fleet(rng, sizes, sensitivity, losses, discordance=0.10):
    """Results of a champion and a candidate with independent patients.

    Per class: `sizes` lesions, the champion's `sensitivity`, and the candidate's true loss; `discordance` is the share
    of lesions on which the two differ, and never less than the loss.
    """
    champion, candidate = {}, {}
    for code, n in sizes.items():
        loss, own = losses.get(code, 0.0), sensitivity[code]
        differ = max(discordance, loss)
        lost, gained = (differ + loss) / 2, (differ - loss) / 2
        cell = rng.choice(4, size=n, p=[own - lost, lost, gained, 1 - own - gained])
        champion[code], candidate[code] = cell <= 1, (cell == 0) | (cell == 2)
    return lesions(champion), lesions(candidate)
