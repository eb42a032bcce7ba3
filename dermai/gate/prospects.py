"""What a policy can show with so many patients, before any model is judged: bounds, power, and months to a decision."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, norm

from dermai.gate import exact
from dermai.gate.clustered import Pairs
from dermai.gate.findings import BENIGN
from dermai.gate.planning import further_patients_for_floor, rejects
from dermai.gate.policy import GatePolicy

RUNS = 2000
SEED = 20211003
MOST_MONTHS = 120
SPECIFICITY = 0.9  # assumed of the champion


@dataclass(frozen=True)
class Attainable:
    """For one kind of lesion: the smallest loss that can be ruled out, where no answer differs, and the largest floor
    that can be shown, where nothing is missed. `floor` is None of benign lesions."""

    about: str
    patients: int
    worth: int
    margin: float
    floor: float | None


def worth(patients: int, inflation: float) -> int:
    """How many independent patients these are worth."""
    return math.floor(patients / inflation + 1e-9)


def attainable(policy: GatePolicy, patients: Mapping[str, int], level: float, inflation: float) -> list[Attainable]:
    """What can be shown at best at this level; `patients` by gated class, and of benign lesions.

    >>> (melanoma,) = attainable(GatePolicy(gated_classes=("MM",)), {"MM": 52}, 0.05, 1.0)
    >>> round(melanoma.margin, 3), round(melanoma.floor, 3)
    (0.056, 0.944)
    """
    found = []
    for about, count in patients.items():
        n = worth(count, inflation)
        floor = None if about == BENIGN else exact.lower_bound(n, n, level) if n else 0.0
        found.append(Attainable(about, count, n, _smallest_margin(count, level, inflation), floor))
    return found


def _smallest_margin(n: int, level: float, inflation: float) -> float:
    """By bisection: the p-value falls as the margin rises."""
    if n == 0:
        return 1.0
    same = Pairs(n, 0, 0, 0, n, 0.0, 0.0, float(n), inflation)
    low, high = 0.0, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if middle < 1 and same.p_value_not_worse(middle) <= level else (middle, high)
    return high


def power(policy: GatePolicy, patients: Mapping[str, int], level: float, inflation: float, difference: float) -> float:
    """The chance that a candidate is promoted that truly finds so much more of every gated class (negative: less).

    By simulation from a named seed, one lesion a patient. The champion, who is the anchor too, is assumed to have the
    target sensitivities and a specificity of 90 %; candidate and champion differ on the share `planning.discordance` of
    the lesions. Subgroups and macro-F1 are left out.
    """
    rng, passed = np.random.default_rng(SEED), np.ones(RUNS, dtype=bool)
    deflated = float(norm.sf(norm.isf(level) * math.sqrt(inflation)))  # as `Pairs` weighs the inflation
    for about, n in patients.items():
        benign = about == BENIGN
        assumed = SPECIFICITY if benign else policy.target_sensitivities.get(about, (1 + policy.floors[about]) / 2)
        change = 0.0 if benign else min(difference, 1 - assumed)
        # Neither model can find more than everything.
        differ = min(max(policy.planning.discordance, abs(change)), 2 * (1 - assumed) - change)
        gained, lost = (differ + change) / 2, (differ - change) / 2
        both = assumed - lost
        table = rng.multinomial(n, [both, gained, lost, max(1 - both - gained - lost, 0.0)], size=RUNS)
        gains, losses = table[:, 1], table[:, 2]
        margins = [policy.guards.specificity_margin] if benign else [
            policy.margins.champion[about], policy.margins.anchor[about]
        ]  # fmt: skip
        for margin in set(margins):
            passed &= _not_worse(gains, losses, n, margin, deflated)
        if not benign:
            passed &= gains - losses >= -policy.guards.sensitivity_drop * n - 1e-9
            hits = table[:, 0] + gains
            floor, of_all = policy.floors[about], n / inflation
            shown = np.array([exact.p_value_above(k / inflation, of_all, floor) <= level if n else False
                              for k in range(n + 1)])  # fmt: skip
            passed &= shown[hits]
            passed &= n >= policy.fewest_lesions
    return float(passed.mean())


def _not_worse(gains: np.ndarray, losses: np.ndarray, n: int, margin: float, level: float) -> np.ndarray:
    if n == 0:
        return np.zeros(len(gains), dtype=bool)
    tables, place = np.unique(np.stack([gains, losses], axis=1), axis=0, return_inverse=True)
    return np.asarray(rejects(tables[:, 0], tables[:, 1], n, margin, level)[place.ravel()])


def months_to_a_decision(
    policy: GatePolicy,
    patients: Mapping[str, int],
    per_month: Mapping[str, float],
    level: float,
    inflation: float,
    difference: float = 0.0,
) -> int | None:
    """Months after which a candidate that is no worse is promoted with the planned power; None beyond ten years.

    `per_month` are the confirmed patients a month of each kind.
    """

    return _first_month(
        lambda later: power(policy, later, level, inflation, difference) >= policy.planning.power, patients, per_month
    )


def months_to_floors(
    policy: GatePolicy, patients: Mapping[str, int], per_month: Mapping[str, float], level: float, inflation: float
) -> int | None:
    """Months after which a model with the target sensitivities shows its floors with the planned power.

    That is what a provisional champion needs; None beyond ten years.

    >>> months_to_floors(GatePolicy(), {"MM": 12, "BCC": 60}, {"MM": 1, "BCC": 1}, 0.03, 1.1)
    27
    """
    return _first_month(
        lambda later: _floors_shown(policy, later, level, inflation) >= policy.planning.power, patients, per_month
    )


def _floors_shown(policy: GatePolicy, patients: Mapping[str, int], level: float, inflation: float) -> float:
    """The chance that a model with the target sensitivities shows the floor of every gated class."""
    chance = 1.0
    for code in policy.gated_classes:
        n, floor = worth(patients[code], inflation), policy.floors[code]
        assumed = policy.target_sensitivities.get(code, (1 + floor) / 2)
        enough = [hits for hits in range(n + 1) if n and exact.p_value_above(hits, n, floor) <= level]
        chance *= float(binom.sf(min(enough) - 1, n, assumed)) if enough else 0.0
    return chance


@dataclass(frozen=True)
class FloorInPractice:
    """Confirmed patients after which daily practice has probably shown a floor, and the months that they take.

    `share` is that of normal cases that are read: 1 where all are. None where no number of patients will do, where that
    takes more than ten years, or where no rate is known.
    """

    code: str
    share: float
    patients: int | None
    months: int | None


def floors_in_practice(policy: GatePolicy, per_month: Mapping[str, float], share: float) -> list[FloorInPractice]:
    """Of a model with the target sensitivities that has shown nothing yet, the first to wait in a champion's reign.

    What it misses is taken to be sent home, but for the second readings. Without any no floor is shown.

    >>> [found.patients for found in floors_in_practice(GatePolicy(gated_classes=("MM",)), {}, 0.1)]
    [616]
    """
    found = []
    for code in policy.gated_classes:
        needed = further_patients_for_floor(0, 0, policy, code, share=share) if share else None
        rate = per_month.get(code, 0.0)
        months = math.ceil(needed / rate) + math.ceil(policy.shadow.follow_up_days / 30.44) if needed and rate else None
        found.append(FloorInPractice(code, share, needed, months if months and months <= MOST_MONTHS else None))
    return found


def _first_month(
    reached: Callable[[Mapping[str, int]], bool], patients: Mapping[str, int], per_month: Mapping[str, float]
) -> int | None:
    """The first month, up to ten years, at whose end the patients reach it."""

    def enough(months: int) -> bool:
        return reached(
            {about: math.floor(count + months * per_month.get(about, 0.0)) for about, count in patients.items()}
        )

    if enough(0):
        return 0
    if not enough(MOST_MONTHS):
        return None
    low, high = 0, MOST_MONTHS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
