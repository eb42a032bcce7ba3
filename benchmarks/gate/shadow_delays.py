"""Shadow mode where diagnoses come back late and not all: promotions of bad and of good challengers.

    python -m benchmarks.gate.shadow_delays [--runs 5]

Three years of referrals, 300 melanomas among them. The champion finds 90 % of the melanomas. What it finds is confirmed
at once; what it does not is confirmed up to `delay` days later, or at the end of it ("late finds"). With selective
confirmation a share of what it does not call malignant never is. Writes benchmarks/results/shadow_delays.md.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.stats import beta

from benchmarks.folders import RESULTS
from benchmarks.gate.simulations import generator
from dermai.gate.policy import GatePolicy, ShadowRules
from dermai.gate.reign import challenger_alpha
from dermai.gate.results import LesionResults
from dermai.gate.shadow import decide_in_shadow

POLICY = GatePolicy()
DAYS = 3 * 365
SIZES = {"MM": 300, "BCC": 500, "Nev": 700, "SebKer": 500}
CHAMPION = {"MM": 0.90, "BCC": 0.88, "Nev": 0.90, "SebKer": 0.90}
MISSED = {"MM": "Nev", "BCC": "SebKer", "Nev": "MM", "SebKer": "BCC"}
DELAYS = (0, 90, 180, 365)
NEVER = {"all confirmed": 0.0, "half of what it clears never": 0.5}
OF_FIRST_MODELS = 5  # times as many runs: without comparisons they are quick
Row = tuple[float, str, int, str]  # share promoted; what is never confirmed, delay, whose
LOOKS = 2  # evenly over the three years
BY_CONFIRMATION = GatePolicy(shadow=ShadowRules(most_unconfirmed=0.0))
# Sensitivity for melanoma and how often it differs from the champion; `first`: a first model, judged on itself
CHALLENGERS = {
    "0.66, under the floor": {"MM": 0.66, "first": True},
    "0.69, under the floor": {"MM": 0.69, "first": True},
    "worse than the margin": {"MM": CHAMPION["MM"] - 0.10, "first": False},
    "5 points better": {"MM": 0.95, "first": False},
}


def answers(rng: np.random.Generator, truth: np.ndarray, hit: np.ndarray) -> np.ndarray:
    """What a model calls lesions of these classes."""
    return np.where(hit, truth, np.array([MISSED[code] for code in truth]))


def promoted(
    rng: np.random.Generator, challenger: Mapping[str, float], delay: int, never: float, by: str
) -> tuple[bool, bool]:
    """One run: whether any look promotes the challenger; the same where lesions count as they are confirmed."""
    truth = rng.permutation(np.repeat(list(SIZES), list(SIZES.values())))
    number = len(truth)
    own = np.array([CHAMPION[code] for code in truth])
    melanoma, first = truth == "MM", bool(challenger["first"])
    goal = np.where(melanoma, challenger["MM"], own)
    hit = rng.random(number) < own
    # Of the champion's hits so many are lost and of its misses so many gained: 5 % of discordance beside the difference
    lost = np.minimum(np.maximum(own - goal, 0) + 0.025, own) / own
    gained = np.minimum(np.maximum(goal - own, 0) + 0.025, 1 - own) / (1 - own)
    other = np.where(hit, rng.random(number) >= lost, rng.random(number) < gained)
    if first:
        other = hit = rng.random(number) < goal
    named, by_champion = answers(rng, truth, other), answers(rng, truth, hit)
    referred = np.sort(rng.integers(0, DAYS, number))
    cleared = ~np.isin(by_champion, ["MM", "BCC"])
    wait = rng.uniform(0, delay, number) if by == "any" else np.where(cleared, delay, 0)
    wait = np.where(cleared & (rng.random(number) < never), np.inf, wait)
    known = wait <= POLICY.shadow.follow_up_days
    names = np.arange(number).astype(str)
    followed_up = as_confirmed = False
    for look in np.linspace(DAYS / LOOKS, DAYS, LOOKS):
        over = referred + POLICY.shadow.follow_up_days <= look
        followed_up |= promotes(POLICY, names, np.where(known, truth, ""), named, by_champion, referred, over, first)
        back = referred + wait
        as_confirmed |= promotes(BY_CONFIRMATION, names, truth, named, by_champion, back, back <= look, first)
    return followed_up, as_confirmed


def promotes(
    policy: GatePolicy,
    names: np.ndarray,
    truth: np.ndarray,
    named: np.ndarray,
    by_champion: np.ndarray,
    times: np.ndarray,
    seen: np.ndarray,
    first: bool,
) -> bool:
    """Whether the lesions that are seen, in the order of `times`, promote the challenger."""
    if not (truth[seen] != "").any():
        return False
    mine = LesionResults(names[seen], names[seen], truth[seen], named[seen])
    theirs = None if first else LesionResults(names[seen], names[seen], truth[seen], by_champion[seen])
    return decide_in_shadow(policy, mine, theirs, times[seen], theirs).outcome == "promote"


def main(arguments: Iterable[str] | None = None) -> None:
    """Simulate, and write the page."""
    from tqdm import tqdm

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the page")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    started = time.monotonic()
    rows = [
        (name, never, delay, by)
        for name in CHALLENGERS
        for never in NEVER
        for delay in DELAYS
        for by in ("late finds", "any")
        if by != "any" or (delay and NEVER[never] == 0 and "better" in name)
    ]
    lines: list[str] = []
    bad: list[Row] = []
    good: list[Row] = []
    for name, never, delay, by in tqdm(rows, desc="simulate", unit="row"):
        runs = chosen.runs * (OF_FIRST_MODELS if CHALLENGERS[name]["first"] else 1)
        rng = generator(f"shadow delays/{name}/{never}/{delay}/{by}")
        found = np.array([promoted(rng, CHALLENGERS[name], delay, NEVER[never], by) for _ in range(runs)])
        count, before = (int(number) for number in found.sum(axis=0))
        low, high = interval(count, runs)
        waits = f"{delay} days{', what it clears' if by != 'any' else ', any lesion' if delay else ''}"
        bounds = f"{100 * low:.1f} to {100 * high:.1f} %"
        lines.append(f"| {name} | {waits} | {never} | {count} of {runs} | {bounds} | {before} of {runs} |")
        (good if "better" in name else bad).append((count / runs, never, delay, by))
    chosen.output.mkdir(parents=True, exist_ok=True)
    text = page(lines, bad, good, chosen.runs, time.monotonic() - started)
    (chosen.output / "shadow_delays.md").write_text(text, encoding="utf-8")
    print(text)


def interval(count: int, runs: int) -> tuple[float, float]:
    """Clopper-Pearson, 95 %, two-sided."""
    low = 0.0 if count == 0 else float(beta.ppf(0.025, count, runs - count + 1))
    return low, 1.0 if count == runs else float(beta.ppf(0.975, count + 1, runs - count))


def page(lines: list[str], bad: list[Row], good: list[Row], runs: int, seconds: float) -> str:
    """The page as Markdown."""
    worst = max(share for share, *_ in bad)
    complete = [share for share, never, *_ in good if never == "all confirmed"]
    met = sum(share >= 0.5 for share in complete)
    rules = POLICY.shadow
    head = [
        "# Shadow mode under delays and selective confirmation",
        "",
        f"`python -m benchmarks.gate.shadow_delays --runs {runs}`, {seconds:.0f} s. The policy is the shipped one: "
        f"follow-up {rules.follow_up_days} days, at most {100 * rules.most_unconfirmed:.0f} % unconfirmed, "
        f"level {challenger_alpha(POLICY):.4f}, that of a reign's first challenger.",
        "",
        "Simulated: three years of 2,000 referrals with 300 melanomas and 500 BCC, two looks, nothing shown on test "
        "patients before. The champion finds 90 % of the melanomas; challengers under the floor are first models, "
        "judged on their own answers. *Any lesion*: each diagnosis comes back after 0 to so many days. *What it "
        "clears*: what the model that answers calls malignant is confirmed at once, the rest exactly so many days "
        "later. *Never*: this share of what it clears is never confirmed. The last column is the rule of earlier "
        "releases: every lesion counts as soon as it is confirmed, in the order of confirmation.",
        "",
        f"- False promotions, worst row: {100 * worst:.1f} % (bar {100 * rules.alpha:.0f} %). "
        "The intervals beside each row say how much so many runs can tell.",
        "- A challenger 5 points better, everything confirmed: promoted in at least half of the runs in "
        f"{met} of {len(complete)} rows. In the others diagnoses come back after the end of follow-up, so that too "
        "many are unconfirmed and no floor is shown.",
        "",
        "| challenger: sensitivity for melanoma | delay | confirmed | promoted | 95 % interval | as confirmed |",
        "|---|---|---|---:|---:|---:|",
    ]
    return "\n".join([*head, *lines, ""])


if __name__ == "__main__":
    main()
