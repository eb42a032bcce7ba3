"""Which cases first: months until a challenger is shown to be no worse, and how often wrongly.

    python -m benchmarks.gate.confirm_first [--runs 1000]

A service of 200 referrals a month, 3 % melanomas, confirms 20 cases a month: drawn as `dermai confirm-first` draws
them, or at random. Writes benchmarks/results/confirm_first.md.
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np

from benchmarks.folders import RESULTS
from dermai.gate.confirm_first import drawing_probabilities
from dermai.gate.eprocess import log_e_values
from dermai.gate.policy import GatePolicy
from dermai.gate.reign import challenger_alpha

POLICY = GatePolicy()
MARGIN, ALPHA = POLICY.margins.champion["MM"], challenger_alpha(POLICY)
REFERRALS, MELANOMAS, FALSE_ALARMS, NUMBER, MONTHS = 200, 0.03, 0.10, 20, 120
# Of the melanomas: found by both models, by the challenger alone, by the champion alone, by none
EQUAL = (0.80, 0.05, 0.05, 0.10)
AT_THE_MARGIN = (0.72, 0.04, 0.14, 0.10)
SEED = 20261128


def months(
    shares: tuple[float, float, float, float], first: bool, generator: np.random.Generator
) -> tuple[float, bool]:
    """Months until the challenger is shown to be no worse (infinite: never in ten years), and whether it was."""
    differences: list[float] = []
    ends: list[int] = []
    for _ in range(MONTHS):
        melanoma = generator.random(REFERRALS) < MELANOMAS
        kind = generator.choice(4, REFERRALS, p=shares)
        called = np.where(melanoma, kind < 3, generator.random(REFERRALS) < FALSE_ALARMS)
        chances = drawing_probabilities(called, NUMBER) if first else np.full(REFERRALS, NUMBER / REFERRALS)
        drawn = melanoma & (generator.random(REFERRALS) < chances)
        differences += np.array([0.0, 1.0, -1.0, 0.0])[kind[drawn]].tolist()
        ends.append(len(differences))
    found = log_e_values(np.array(differences), -1.0, -MARGIN) >= math.log(1 / ALPHA)
    if not found.any():
        return math.inf, False
    return float(np.searchsorted(ends, int(found.argmax()) + 1) + 1), True


def simulate(shares: tuple[float, float, float, float], first: bool, runs: int) -> tuple[float, float]:
    """Median months to the decision, and the share of runs in which it came within ten years."""
    generator = np.random.default_rng([SEED, int(first), round(1000 * shares[2])])
    found = [months(shares, first, generator) for _ in range(runs)]
    return float(np.median([month for month, _ in found])), float(np.mean([shown for _, shown in found]))


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    runs = parser.parse_args().runs
    start, lines = time.perf_counter(), []
    for name, shares in (("as good", EQUAL), ("worse by the margin", AT_THE_MARGIN)):
        for how, first in (("at random", False), ("drawn by `confirm-first`", True)):
            month, shown = simulate(shares, first, runs)
            said = "more than 120" if math.isinf(month) else f"{month:.0f}"
            lines.append(f"| {name} | {how} | {said} | {100 * shown:.1f} % |")
    text = [
        "# Which cases to confirm first",
        "",
        f"`python -m benchmarks.gate.confirm_first --runs {runs}`, {time.perf_counter() - start:.0f} s.",
        "",
        f"Simulated: {REFERRALS} referrals a month, {100 * MELANOMAS:.0f} % melanomas, {NUMBER} cases confirmed a "
        f"month and no others. *Shown*: the e-process for melanoma against the champion (margin {MARGIN}, "
        f"level {ALPHA:.4f}, that of a reign's first challenger) reached its threshold within ten years. "
        "Challenger and champion differ on "
        "10 % of the melanomas where they are equally good, on 18 % where the challenger is worse by exactly the "
        f"margin: there *shown* is a false promotion, which may come in {100 * ALPHA:.1f} % of runs.",
        "",
        "| challenger | confirmed | median months | shown |",
        "|---|---|---:|---:|",
        *lines,
        "",
    ]
    (RESULTS / "confirm_first.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
