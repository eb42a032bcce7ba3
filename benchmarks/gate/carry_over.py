"""Evidence over challengers of one recipe: false promotions over 20 challengers, and what a later one needs.

    python -m benchmarks.gate.carry_over [--runs 2000]

One test decides: no worse than the champion for melanoma, margin 10 points. Each challenger waits for the same number
of confirmed melanomas and is then replaced by the next. Those that fall short do so by exactly the margin, the others
are as good as the champion. Writes benchmarks/results/carry_over.md.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass

import numpy as np

from benchmarks.folders import RESULTS
from benchmarks.gate.shadow_delays import interval
from benchmarks.gate.simulations import generator
from dermai.gate.policy import GatePolicy, ShadowRules
from dermai.gate.reign import carries, challenger_alpha, series_alpha
from dermai.gate.shadow_evidence import PatientValues

POLICY = GatePolicy()
OFF = GatePolicy(shadow=ShadowRules(carry_over=0))
MARGIN = POLICY.margins.champion["MM"]
CHALLENGERS = 20
PATIENTS = (40, 100, 200)
DISCORDANCES = (0.10, 0.20)
GOOD_DISCORDANCE = 0.10
SERIES = {
    "all fall short": "x" * CHALLENGERS,
    "19 good, then one falls short": "o" * (CHALLENGERS - 1) + "x",
    "in turns, first one that falls short": "xo" * (CHALLENGERS // 2),
    "in turns, first a good one": "ox" * (CHALLENGERS // 2),
}
ALL_GOOD = "o" * CHALLENGERS


@dataclass(frozen=True)
class Evidence:
    """The largest logarithm of the e-value of each challenger alone, and of the series up to it; [challengers]."""

    own: np.ndarray
    together: np.ndarray


def evidence(kinds: str, patients: int, discordance: float, rng: np.random.Generator) -> Evidence:
    """One series: `x` is worse by the margin, `o` as good as the champion."""
    differences = []
    for kind in kinds:
        worse, differ = (MARGIN, max(discordance, MARGIN)) if kind == "x" else (0.0, GOOD_DISCORDANCE)
        gain, loss = (differ - worse) / 2, (differ + worse) / 2
        differences.append(rng.choice([1.0, 0.0, -1.0], size=patients, p=[gain, 1 - gain - loss, loss]))
    own = np.array([log_e_values(each).max() for each in differences])
    together = np.maximum.accumulate(log_e_values(np.concatenate(differences)))[patients - 1 :: patients]
    return Evidence(own, together)


def log_e_values(values: np.ndarray) -> np.ndarray:
    """The evidence that shadow mode has after each melanoma."""
    ones = np.ones(len(values))
    return PatientValues(values, np.arange(len(values)), ones, ones).log_e_values(-MARGIN, -1.0, POLICY.shadow)


def shown(found: Evidence, patients: int, rule: str) -> np.ndarray:
    """Which challengers pass the test; boolean [challengers]."""
    policy = OFF if rule == "alone" else POLICY
    alphas = np.array([challenger_alpha(policy, number + 1) for number in range(len(found.own))])
    alone = found.own >= -np.log(alphas)
    if rule == "alone":
        return alone
    first = np.arange(len(found.own)) == 0
    if rule == "carried":
        carried = [carries(POLICY, *each, patients) for each in zip(found.together, found.own, strict=True)]
    else:  # the series' evidence, and nothing but own evidence that does not point the other way
        carried = (found.together >= -math.log(series_alpha(POLICY))) & (found.own > 0)
    return np.asarray(alone | (np.array(carried) & ~first))


def false_promotions(
    kinds: str, patients: int, discordance: float, runs: int, rng: np.random.Generator
) -> dict[tuple[str, bool], int]:
    """Runs in which one that falls short passes, by rule and by whether a good one that passes ends the reign."""
    falls_short = np.array([kind == "x" for kind in kinds])
    counts = dict.fromkeys([(rule, ends) for rule in ("alone", "carried", "weak") for ends in (True, False)], 0)
    for _ in range(runs):
        found = evidence(kinds, patients, discordance, rng)
        for rule in ("alone", "carried", "weak"):
            passed = shown(found, patients, rule)
            counts[rule, False] += bool((passed & falls_short).any())
            counts[rule, True] += bool(passed.any() and falls_short[passed.argmax()])
    return counts


def time_to_promotion(patients: int, runs: int, rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """Where all are good: share of runs in which one of 20 is promoted, and the median number of the first that is."""
    first: dict[str, list[float]] = {"alone": [], "carried": []}
    for _ in range(runs):
        found = evidence(ALL_GOOD, patients, GOOD_DISCORDANCE, rng)
        for rule, numbers in first.items():
            passed = shown(found, patients, rule)
            numbers.append(passed.argmax() + 1 if passed.any() else math.inf)
    return {rule: (float(np.isfinite(n).mean()), float(np.median(n))) for rule, n in first.items()}


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    start, lines, worst = time.perf_counter(), [], dict.fromkeys([(rule, ends) for rule in ("alone", "carried", "weak")
                                                                 for ends in (True, False)], 0)  # fmt: skip
    for name, kinds in SERIES.items():
        for patients in PATIENTS:
            for discordance in DISCORDANCES:
                rng = generator(f"carry over/{name}/{patients}/{discordance}")
                counts = false_promotions(kinds, patients, discordance, runs, rng)
                worst = {key: max(worst[key], count) for key, count in counts.items()}
                low, high = interval(counts["carried", False], runs)
                cells = " | ".join(f"{100 * counts[key] / runs:.2f} %" for key in
                                   (("alone", False), ("carried", True), ("carried", False)))  # fmt: skip
                lines.append(
                    f"| {name} | {patients} | {100 * discordance:.0f} % | {cells} | {100 * low:.2f} to "
                    f"{100 * high:.2f} % | {100 * counts['weak', False] / runs:.1f} % |"
                )
    times = []
    for patients in (30, 40, 60, 80, 100):
        found = time_to_promotion(patients, runs // 4, generator(f"carry over/good/{patients}"))
        said = {rule: "none" if math.isinf(median) else f"{median:.0f}" for rule, (_, median) in found.items()}
        times.append(f"| {patients} | {100 * found['alone'][0]:.0f} % | {said['alone']} | "
                     f"{100 * found['carried'][0]:.0f} % | {said['carried']} |")  # fmt: skip
    text = [
        "# Evidence over challengers of one recipe",
        "",
        f"`python -m benchmarks.gate.carry_over --runs {runs}`, {time.perf_counter() - start:.0f} s.",
        "",
        f"One champion, {CHALLENGERS} challengers of one recipe, one after the other, each with so many confirmed "
        "melanomas of its own. The test *no worse than the champion for melanoma* decides alone: nothing else holds a "
        f"challenger back. *Falls short*: worse by exactly the margin of {100 * MARGIN:.0f} points, champion and "
        "challenger differing on as many lesions as the table says. *Good*: equal, differing "
        f"on {100 * GOOD_DISCORDANCE:.0f} %. Shadow mode's part of the budget is {100 * POLICY.shadow_alpha:.0f} %.",
        "",
        "- *Alone*: `gate.shadow.carry_over: 0`, each challenger on its own evidence.",
        f"- *Carried*: as shipped. {1 / series_alpha(POLICY):.0f} to 1 of the whole series, and of the challenger's "
        f"own {1 / challenger_alpha(POLICY):.0f} to 1 with at least {POLICY.shadow.carry_over} patients.",
        "- *Weak*: the series' evidence as shipped, of its own only that it once spoke for the challenger. "
        "Not offered.",
        "- *Ends*: a good challenger that passes becomes the champion, and the reign ends. *Goes on*: something else "
        "holds the good ones back, so that all 20 are tried: the worst case.",
        "",
        f"False promotions, worst row: alone {100 * worst['alone', False] / runs:.2f} %, carried "
        f"{100 * worst['carried', True] / runs:.2f} % where a reign ends and "
        f"{100 * worst['carried', False] / runs:.2f} % where it goes on (bar {100 * POLICY.shadow_alpha:.0f} %), "
        f"weak {100 * worst['weak', False] / runs:.0f} %.",
        "",
        "| series | melanomas each | differ | alone, goes on | carried, ends | goes on | 95 % interval | weak |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *lines,
        "",
        "All 20 good: how often one is promoted on this test, and the median number of the first that is.",
        "",
        "| melanomas each | alone | first | carried | first |",
        "|---:|---:|---:|---:|---:|",
        *times,
        "",
    ]
    (RESULTS / "carry_over.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
