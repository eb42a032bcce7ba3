"""Many updates at once: hits of candidate, champion and anchor on the same lesions, and what each rule says of them.

Every melanoma comes with 2 BCC and 6 benign lesions, of as many patients. A missed malignant lesion is called benign, a
missed benign one melanoma. The gate's answers are vectorised here from its own tests; tests/gate compares them with
`dermai.gate.decision.decide` on the same lesions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from dermai.gate import exact
from dermai.gate.clustered import Pairs
from dermai.gate.policy import GatePolicy
from dermai.gate.results import LesionResults

Hits = dict[str, np.ndarray]  # by class, boolean [runs, lesions]

POLICY = GatePolicy()
PER_MELANOMA = {"MM": 1, "BCC": 2, "Nev": 6}
SENSITIVITY = {"MM": 0.88, "BCC": 0.85, "Nev": 0.88}  # of the first model; of Nev: the specificity
MISSED = {"MM": "Nev", "BCC": "Nev", "Nev": "MM"}


@dataclass(frozen=True)
class Fleet:
    """One update in each run."""

    candidate: Hits
    champion: Hits
    anchor: Hits

    def results(self, run: int) -> tuple[LesionResults, LesionResults, LesionResults]:
        """One run as the gate takes it."""
        return tuple(_results({code: hit[run] for code, hit in model.items()}) for model in vars(self).values())  # type: ignore[return-value]


def _results(hits: Mapping[str, np.ndarray]) -> LesionResults:
    truth = np.concatenate([np.full(len(hit), code) for code, hit in hits.items()])
    missed = np.concatenate([np.full(len(hit), MISSED[code]) for code, hit in hits.items()])
    names = np.arange(len(truth)).astype(str)
    return LesionResults(names, names, truth, np.where(np.concatenate(list(hits.values())), truth, missed))


def first_model(rng: np.random.Generator, runs: int, melanomas: int) -> Hits:
    """Hits of a model on new patients."""
    return {
        code: rng.random((runs, times * melanomas), dtype=np.float32) < SENSITIVITY[code]
        for code, times in PER_MELANOMA.items()
    }


def next_model(
    rng: np.random.Generator,
    before: Hits,
    sensitivity: Mapping[str, float],
    losses: Mapping[str, float],
    discordance: float = 0.10,
) -> Hits:
    """Hits of a model trained from the one before, on the same patients.

    The two differ on a share `discordance` of the lesions, or on the loss where that is more. `sensitivity` is the true
    one of the model before.
    """
    after = {}
    for code, hit in before.items():
        loss, share = losses.get(code, 0.0), sensitivity[code]
        differ = max(discordance, loss)
        chance = rng.random(hit.shape, dtype=np.float32)
        lost, gained = (differ + loss) / 2 / share, (differ - loss) / 2 / (1 - share)
        after[code] = np.where(hit, chance >= lost, chance < gained)
    return after


def shares(hits: Hits) -> dict[str, np.ndarray]:
    """Sensitivity of each class; of Nev, the specificity; [runs] each."""
    return {code: hit.mean(axis=1) for code, hit in hits.items()}


def accuracy(hits: Hits) -> np.ndarray:
    """Share of all lesions named rightly [runs]."""
    return np.concatenate(list(hits.values()), axis=1).mean(axis=1)


def macro_f1(hits: Hits) -> np.ndarray:
    """Mean F1 of the three classes [runs]."""
    right = {code: hit.sum(axis=1) for code, hit in hits.items()}
    total = {code: hit.shape[1] for code, hit in hits.items()}
    named = dict(right)
    for code, other in MISSED.items():
        named[other] = named[other] + total[code] - right[code]
    return np.mean([2 * right[code] / (total[code] + named[code]) for code in hits], axis=0)


def not_worse(candidate: np.ndarray, reference: np.ndarray, margin: float, inflation: float = 1.0) -> np.ndarray:
    """The gate's p-value of non-inferiority in each run, where patients are worth 1 / inflation independent ones."""
    n = candidate.shape[1]
    tables = np.stack([(candidate & ~reference).sum(axis=1), (reference & ~candidate).sum(axis=1)], axis=1)
    different, place = np.unique(tables, axis=0, return_inverse=True)
    p_values = [
        Pairs(0, 0, 0, 0, n, float(b), float(c), float(n), inflation).p_value_not_worse(margin) for b, c in different
    ]
    return np.array(p_values)[place.ravel()]


def gate_p_value(fleet: Fleet, with_anchor: bool = True, inflation: float = 1.0) -> np.ndarray:
    """The largest p-value of all tests, 1 where a guard fails: the gate promotes where it is at most the level."""
    references = [(fleet.champion, POLICY.margins.champion)]
    if with_anchor:
        references.append((fleet.anchor, POLICY.margins.anchor))
    found = []
    for code in POLICY.gated_classes:
        hits, n = fleet.candidate[code].sum(axis=1), fleet.candidate[code].shape[1]
        of_hits = np.array(
            [exact.p_value_above(k / inflation, n / inflation, POLICY.floors[code]) for k in range(n + 1)]
        )
        found.append(of_hits[hits])
    for reference, margins in references:
        margin = {**margins, "Nev": POLICY.guards.specificity_margin}
        found += [not_worse(fleet.candidate[code], reference[code], margin[code], inflation) for code in PER_MELANOMA]
    kept = macro_f1(fleet.candidate) - macro_f1(fleet.champion) >= -POLICY.guards.macro_f1_drop - 1e-12
    new = shares(fleet.candidate)
    for old in (shares(reference) for reference, _ in references):
        for code in POLICY.gated_classes:
            kept &= new[code] - old[code] >= -POLICY.guards.sensitivity_drop - 1e-12
    return np.where(kept, np.max(found, axis=0), 1.0)


def at_least_as_accurate(fleet: Fleet) -> np.ndarray:
    """`new >= old` on accuracy, as in ZenML's template."""
    return accuracy(fleet.candidate) >= accuracy(fleet.champion) - 1e-12


def at_least_as_sensitive(fleet: Fleet) -> np.ndarray:
    """`new >= old` on the sensitivity for MM and on that for BCC: the strictest form of a point comparison."""
    new, old = shares(fleet.candidate), shares(fleet.champion)
    return np.all([new[code] >= old[code] - 1e-12 for code in POLICY.gated_classes], axis=0)


def above_thresholds(fleet: Fleet) -> np.ndarray:
    """MLflow's `MetricThreshold(threshold=floor)` on both sensitivities."""
    new = shares(fleet.candidate)
    return np.all([new[code] >= POLICY.floors[code] for code in POLICY.gated_classes], axis=0)


FIRST_LEVEL = POLICY.ledger.spend * POLICY.test_set_alpha
RULES: dict[str, Callable[[Fleet], np.ndarray]] = {
    "gate": lambda fleet: gate_p_value(fleet) <= FIRST_LEVEL,
    "gate, champion only": lambda fleet: gate_p_value(fleet, with_anchor=False) <= FIRST_LEVEL,
    ">= accuracy": at_least_as_accurate,
    ">= MM and BCC": at_least_as_sensitive,
    "MLflow threshold": above_thresholds,
}
