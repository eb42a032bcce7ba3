"""What a candidate must not lose while it keeps its sensitivity: macro-F1, and sensitivity in subgroups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dermai.gate.clustered import Pairs, pairs
from dermai.gate.policy import GatePolicy
from dermai.gate.results import ATTRIBUTES, LesionResults


@dataclass(frozen=True)
class MacroF1:
    """Macro-F1 of both models, and the standard error of their difference (jackknife over patients)."""

    candidate: float
    champion: float
    standard_error: float

    @property
    def difference(self) -> float:
        return self.candidate - self.champion


def compare_macro_f1(
    candidate: LesionResults, champion: LesionResults, weights: np.ndarray | None = None
) -> MacroF1 | None:
    """Macro-F1 over the diagnoses among the lesions; None with fewer than two patients.

    With `weights` [N] each lesion counts so many times.

    The jackknife leaves out one patient at a time (Efron & Stein, Annals of Statistics 9 (1981) 586-596): no random
    numbers, so the same results always give the same decision.
    """
    patients, patient = np.unique(candidate.patient_id, return_inverse=True)
    if len(patients) < 2:
        return None
    classes = np.unique(candidate.truth)
    weights = np.ones(len(candidate)) if weights is None else weights
    found = []
    for results in (candidate, champion):
        agreed, named, true = (np.zeros((len(patients), len(classes))) for _ in range(3))
        for position, code in enumerate(classes):
            is_named, is_true = results.predicted == code, results.truth == code
            np.add.at(agreed[:, position], patient, weights * (is_named & is_true))
            np.add.at(named[:, position], patient, weights * is_named)
            np.add.at(true[:, position], patient, weights * is_true)
        whole = _macro_f1(agreed.sum(axis=0), named.sum(axis=0), true.sum(axis=0))
        without = _macro_f1(agreed.sum(axis=0) - agreed, named.sum(axis=0) - named, true.sum(axis=0) - true)
        found.append((float(whole), without))
    (of_candidate, candidate_without), (of_champion, champion_without) = found
    differences = np.sort(candidate_without - champion_without)
    spread = ((differences - differences.mean()) ** 2).sum() * (len(patients) - 1) / len(patients)
    return MacroF1(of_candidate, of_champion, float(np.sqrt(spread)))


def _macro_f1(agreed: np.ndarray, named: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Mean over the last axis of 2 agreed / (named + true); 0 for a class that is neither named nor true."""
    f1 = np.divide(2 * agreed, named + true, out=np.zeros(np.shape(agreed)), where=named + true > 0)
    return np.asarray(f1.mean(axis=-1))


@dataclass(frozen=True)
class Subgroup:
    """Paired answers on the lesions of one class in one group of patients."""

    code: str
    attribute: str
    group: str
    found: Pairs


def subgroups(candidate: LesionResults, champion: LesionResults, policy: GatePolicy) -> Iterator[Subgroup]:
    """Each subgroup with enough lesions of a gated class, in a fixed order; unknown attributes form no group."""
    for code in policy.gated_classes:
        of_class = candidate.truth == code
        own, reference = candidate.hits(code, policy), champion.hits(code, policy)
        for attribute in ATTRIBUTES:
            groups = candidate.groups(attribute, policy.guards.age_bands)
            for group in np.unique(groups[of_class & (groups != "")]):
                chosen = of_class & (groups == group)
                if chosen.sum() >= policy.guards.subgroup_fewest:
                    found = pairs(candidate.patient_id[chosen], own[chosen], reference[chosen])
                    yield Subgroup(code, attribute, str(group), found)
