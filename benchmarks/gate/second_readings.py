"""What second readings show: coverage and width of the bound and of the weighted sensitivity, beside the naive one.

    python -m benchmarks.gate.second_readings [--runs 4000]

A model calls 88 of 100 melanomas; of the others most are sorted as normal and sent home, the rest is read all the same.
What is sent home comes back by itself, years later, in one case of ten. A share of what is sorted as normal is drawn
and read. In the last rows diagnoses of drawn cases come back after 0 to 360 days, and the look is taken after a year at
all cases whose follow-up of 180 days is over. Writes benchmarks/results/second_readings.md.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np

from benchmarks.folders import RESULTS
from dermai.evaluation.second_readings import missed_at_most, weighted_sensitivity
from dermai.gate.exact import interval, lower_bound

TRUE, LEVEL, BACK = 0.88, 0.95, 0.1
MELANOMAS, SHARES, SENT_HOME = (33, 130, 400, 1260), (0.02, 0.1, 0.5, 1.0), (0.03, 0.09)
LATEST, FOLLOW_UP, LOOK = 360, 180, 365  # days: until a drawn diagnosis at most, of the follow-up, until the look
NORMAL = 20  # cases sorted as normal for each melanoma: how many of those drawn are back is known of all of them
SEED = 20261128


@dataclass(frozen=True)
class Row:
    """Coverage and mean width of both intervals, and how often the lower bound is above 0.70."""

    melanomas: int
    share: float
    sent_home: float
    weighted: tuple[float, float, float]
    naive: tuple[float, float, float]


def simulate(melanomas: int, share: float, sent_home: float, runs: int, late: bool = False) -> Row:
    """Both intervals over many services; with `late` diagnoses of drawn cases take their time."""
    generator = np.random.default_rng([SEED, melanomas, round(1000 * share), round(1000 * sent_home)])
    kinds = generator.multinomial(melanomas, [TRUE, 1 - TRUE - sent_home, sent_home], runs)
    drawn = generator.binomial(kinds[:, 2], share)
    known, came_back = drawn, np.ones(runs)
    if late:
        chance = float(np.clip((LOOK - np.linspace(0, LOOK - FOLLOW_UP, 1000)) / LATEST, 0, 1).mean())
        known, normal = generator.binomial(drawn, chance), generator.binomial(NORMAL * melanomas, share, runs)
        came_back = generator.binomial(normal, chance) / normal
    itself = generator.binomial(kinds[:, 2] - drawn, BACK)
    weighted, naive = [], []
    for (found, read, _), again, back, seen in zip(
        kinds.tolist(), known.tolist(), itself.tolist(), came_back.tolist(), strict=True
    ):
        chance = share * seen
        one = weighted_sensitivity(found, read, [chance] * again, (chance, chance), LEVEL)
        weighted.append((one.low, one.high))
        naive.append(interval(found, found + read + again + back, LEVEL))
    return Row(melanomas, share, sent_home, _summed(weighted), _summed(naive))


def _summed(intervals: list[tuple[float, float]]) -> tuple[float, float, float]:
    low, high = np.array(intervals).T
    covered = np.mean((low <= TRUE) & (high >= TRUE))
    return float(covered), float(np.mean(high - low)), float(np.mean(low >= 0.70))


def bound_rows(runs: int) -> list[str]:
    """Coverage and mean of the bound on what stays unseen among the normal cases."""
    generator = np.random.default_rng(SEED)
    lines = []
    for read_again in (100, 300, 1000):
        for share in (0.001, 0.01):
            bounds = [missed_at_most(int(n), read_again, LEVEL) for n in generator.binomial(read_again, share, runs)]
            covered = np.mean(np.array(bounds) >= share)
            lines.append(
                f"| {read_again} | {100 * share:.1f} % | {100 * covered:.1f} % | {100 * np.mean(bounds):.2f} % |"
            )
    return lines


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=4000)
    runs = parser.parse_args().runs
    start = time.perf_counter()
    grid = [(n, p, home) for home in SENT_HOME for n in MELANOMAS for p in SHARES]
    rows = [(simulate(*place, runs), "all") for place in grid]
    rows += [(simulate(n, p, 0.09, runs, late=True), "late") for n in MELANOMAS for p in (0.1, 0.5, 1.0)]
    worst = min(row.weighted[0] for row, _ in rows)
    naive = [row.naive[0] for row, back in rows if row.sent_home == 0.09 and row.share <= 0.1]
    alone = lower_bound(round(0.88 * 33), 33, 0.05)
    text = [
        "# Second readings: coverage and width",
        "",
        f"`python -m benchmarks.gate.second_readings --runs {runs}`, {time.perf_counter() - start:.0f} s. 95 % "
        "intervals.",
        "",
        "A model calls 88 % of the melanomas; *sent home* is the share that is sorted as normal, the others are read "
        f"all the same. Of what is sent home and not drawn {100 * BACK:.0f} % come back by themselves. *Back*: all "
        f"drawn diagnoses; or *late*, where they take 0 to {LATEST} days, and the look after {LOOK} days knows those "
        f"that are back, of cases whose follow-up of {FOLLOW_UP} days is over. The weights know which share of all "
        "drawn cases, cancers or not, is back.",
        "",
        f"- The weighted interval holds the true sensitivity in {100 * worst:.1f} % of runs or more in every row "
        "(bar 95 %): it errs on the wide side.",
        f"- The naive one, where 9 % are sent home and at most 10 % drawn: in {100 * min(naive):.0f} to "
        f"{100 * max(naive):.0f} %; it is narrow and wrong, the more so the more melanomas there are.",
        f"- *Floor*: how often the lower bound is above 0.70. At 2 % it takes the largest row; 33 melanomas that are "
        f"all read have an exact one-sided bound of {alone:.2f}.",
        "",
        "| melanomas | drawn | sent home | back | weighted covers | width | floor | naive covers | width |",
        "|---:|---:|---:|---|---:|---:|---:|---:|---:|",
        *(
            f"| {row.melanomas:,} | {100 * row.share:.0f} % | {100 * row.sent_home:.0f} % | {back} | "
            f"{100 * row.weighted[0]:.1f} % | {row.weighted[1]:.2f} | {100 * row.weighted[2]:.0f} % | "
            f"{100 * row.naive[0]:.1f} % | {row.naive[1]:.2f} |"
            for row, back in rows
        ),
        "",
        "The bound on cancers among what is sorted as normal (one-sided, exact):",
        "",
        "| read again | true share | covers | mean bound |",
        "|---:|---:|---:|---:|",
        *bound_rows(runs),
        "",
    ]
    (RESULTS / "second_readings.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
