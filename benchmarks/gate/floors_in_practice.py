"""Floors that daily practice shows: how often wrongly, how often at all, and after how many melanomas.

    python -m benchmarks.gate.floors_in_practice [--runs 300]

A model judged on itself: what it calls a melanoma is confirmed within a month. Of what it misses a quarter is read all
the same, the rest is sorted as normal and sent home, but for the second readings; one in a hundred comes back by itself
within the follow-up. Diagnoses of what it did not call take 0 to so many days, and count only within the follow-up.
Writes benchmarks/results/floors_in_practice.md.
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
from dermai.gate.eprocess import log_e_values
from dermai.gate.policy import GatePolicy
from dermai.gate.readings import Readings
from dermai.gate.reign import challenger_alpha
from dermai.gate.results import LesionResults
from dermai.gate.shadow_evidence import Answers, Practice

POLICY = GatePolicy()
FLOOR, ALPHA, FOLLOW_UP = POLICY.floors["MM"], challenger_alpha(POLICY), POLICY.shadow.follow_up_days
MELANOMAS, NAEVI, READ, BY_ITSELF = 4000, 2, 0.25, 0.01  # naevi sorted as normal, for each melanoma
SENSITIVITIES = {"at the floor": 0.70, "0.80": 0.80, "0.88": 0.88}
SHARES, DELAYS = (1.0, 0.5, 0.1, 0.02), (0, 190, 360)


@dataclass(frozen=True)
class Run:
    """After how many referred melanomas the floor is shown, infinite where never: weighted, and as confirmed."""

    weighted: float
    as_confirmed: float


def run(sensitivity: float, share: float, delay: int, rng: np.random.Generator) -> Run:
    """One service."""
    number = MELANOMAS * (1 + NAEVI)
    truth = np.where(np.arange(number) % (1 + NAEVI) == 0, "MM", "Nev")
    melanoma = truth == "MM"
    found = melanoma & (rng.random(number) < sensitivity)
    normal = ~found & (~melanoma | (rng.random(number) >= READ))
    asked = ~normal | (rng.random(number) < share)
    wait = np.where(found, rng.uniform(0, 30, number), rng.uniform(0, delay, number) if delay else 0.0)
    back = (asked & (wait <= FOLLOW_UP)) | (~asked & (rng.random(number) < BY_ITSELF))
    names = np.arange(number).astype(str)
    results = LesionResults(names, names, np.where(back, truth, ""), np.where(found, "MM", "Nev"))
    readings = Readings(names, np.where(normal, share, 1.0), asked | (share == 1), share)
    practice = Practice.of(POLICY, Answers(results, None, None, np.arange(number), readings))
    seen = practice.evidence("MM", "floor")
    reached = seen.log_e_values(FLOOR, 0.0, POLICY.shadow) >= -math.log(ALPHA)
    reached &= practice.sound("MM", "floor", seen.times)
    naive = found[melanoma & back]
    plain = log_e_values(naive.astype(float), 0.0, FLOOR) >= -math.log(ALPHA)
    return Run(_first(reached, seen.times), _first(plain, np.flatnonzero(melanoma & back)))


def _first(reached: np.ndarray, at: np.ndarray) -> float:
    return float(at[reached.argmax()] // (1 + NAEVI) + 1) if reached.any() else math.inf


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    runs = parser.parse_args().runs
    start, lines, naive = time.perf_counter(), list[str](), 1.0
    wrong: list[int] = []
    for name, sensitivity in SENSITIVITIES.items():
        for share in SHARES:
            for delay in DELAYS if name != "0.80" else (0,):
                rng = generator(f"floors in practice/{name}/{share}/{delay}")
                found = [run(sensitivity, share, delay, rng) for _ in range(runs)]
                shown = sum(math.isfinite(each.weighted) for each in found)
                plain = sum(math.isfinite(each.as_confirmed) for each in found)
                low, high = interval(shown, runs)
                median = float(np.median([each.weighted for each in found]))
                if sensitivity == FLOOR:
                    wrong.append(shown)
                    naive = min(naive, plain / runs) if share < 1 else naive
                lines.append(
                    f"| {name} | {100 * share:.0f} % | {delay} days | {100 * shown / runs:.1f} % | {100 * low:.1f} to "
                    f"{100 * high:.1f} % | {'none' if math.isinf(median) else f'{median:,.0f}'} | "
                    f"{100 * plain / runs:.1f} % |"
                )
    text = [
        "# Floors in daily practice",
        "",
        f"`python -m benchmarks.gate.floors_in_practice --runs {runs}`, {time.perf_counter() - start:.0f} s.",
        "",
        f"Simulated: {MELANOMAS:,} melanomas, looked at after each. The floor is {FLOOR:.2f}, the level {ALPHA:.4f}, "
        "that of a reign's first challenger. *Drawn*: the share of what is sorted as normal that is read. *Late*: "
        f"diagnoses of what is not called take up to so many days; they count within {FOLLOW_UP}. *Shown*: as shadow "
        f"mode shows it. Of what is missed, {100 * READ:.0f} % is read all the same, and of what is sent home "
        f"{100 * BY_ITSELF:.0f} % come back by themselves in time. "
        "*Median*: referred melanomas until then, over all runs. *As confirmed*: every diagnosis that came back counts "
        "once, and nobody asks what was sent home.",
        "",
        f"- A model at the floor is shown above it in {sum(wrong)} of {runs * len(wrong):,} runs, in at most "
        f"{max(wrong)} of {runs} in a row (bar {100 * ALPHA:.2f} %); as confirmed, where not all is read, in "
        f"{100 * naive:.0f} % of them or more.",
        "- Where half of the second readings come back after the follow-up, practice shows nothing, whatever is drawn.",
        "",
        "| true sensitivity | drawn | late | shown | 95 % interval | median | as confirmed |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *lines,
        "",
    ]
    (RESULTS / "floors_in_practice.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
