"""The gate and point comparisons, simulated: fleets of updates, shadow mode, patients with several lesions."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.stats import binom, norm

from benchmarks.gate.simulated_fleets import (
    FIRST_LEVEL,
    POLICY,
    RULES,
    SENSITIVITY,
    Fleet,
    Hits,
    first_model,
    gate_p_value,
    next_model,
    not_worse,
)
from dermai.gate import clustered, exact, paired
from dermai.gate.eprocess import log_e_values
from dermai.gate.reign import challenger_alpha

if TYPE_CHECKING:
    from tqdm import tqdm

SECOND = "gate, all lesions"
OTHERS_A_TEST_PATIENT = 4  # confirmed patients that are trained on, for each test patient
MELANOMAS = (25, 50, 100, 200, 400)
DISCORDANCES = (0.10, 0.20)
MARGIN = POLICY.margins.champion["MM"]
WORSE = {
    "MM": {"MM": MARGIN},
    "BCC": {"BCC": MARGIN},
    "MM and BCC": {"MM": MARGIN, "BCC": MARGIN},
    "benign": {"Nev": POLICY.guards.specificity_margin},
    "MM, half of it before": {"MM": MARGIN / 2},
}
NOT_WORSE = {"equal": {}, "2 points better": {"MM": -0.02, "BCC": -0.02}}


@dataclass(frozen=True)
class Size:
    """How much is simulated."""

    runs: int
    fleets: int
    streams: int


COMMITTED, QUICK = Size(runs=4000, fleets=1000, streams=2000), Size(runs=200, fleets=60, streams=100)


def generator(name: str) -> np.random.Generator:
    """Random numbers that depend on the name of what they are for, and on nothing else."""
    return np.random.default_rng(zlib.crc32(name.encode()))


@dataclass(frozen=True)
class Cell:
    """Share of updates that each rule promotes."""

    melanomas: int
    scenario: str
    discordance: float
    runs: int
    promoted: dict[str, float]


def promotions(size: Size, bar: tqdm) -> list[Cell]:
    """Fresh test patients, one candidate."""
    cells = []
    for melanomas in MELANOMAS:
        for scenario, losses in {**WORSE, **NOT_WORSE}.items():
            for discordance in DISCORDANCES:
                rng = generator(f"promotions/{melanomas}/{scenario}/{discordance}")
                runs = size.runs // 2 if melanomas == 400 else size.runs
                fleet = _updates(rng, runs, melanomas, scenario, losses, discordance)
                promoted = {name: float(rule(fleet).mean()) for name, rule in RULES.items()}
                promoted[SECOND] = _second_column(fleet, melanomas, scenario, losses, discordance)
                cells.append(Cell(melanomas, scenario, discordance, runs, promoted))
                bar.update()
    return cells


def _updates(
    rng: np.random.Generator,
    runs: int,
    melanomas: int,
    scenario: str,
    losses: dict[str, float],
    discordance: float,
) -> Fleet:
    """An update in each run, on so many new melanomas; where the scenario says so the champion is worse already."""
    anchor, before = first_model(rng, runs, melanomas), dict(SENSITIVITY)
    champion = anchor
    if "before" in scenario:
        champion = next_model(rng, anchor, before, losses, 0.10)
        before["MM"] -= losses["MM"]
    return Fleet(next_model(rng, champion, before, losses, discordance), champion, anchor)


def _second_column(test: Fleet, melanomas: int, scenario: str, losses: dict[str, float], discordance: float) -> float:
    """Share promoted on all confirmed lesions of services with these test patients and four times as many others."""
    rng, runs = generator(f"all lesions/{melanomas}/{scenario}/{discordance}"), len(test.candidate["MM"])
    others = _updates(rng, runs, OTHERS_A_TEST_PATIENT * melanomas, scenario, losses, discordance)
    whole = Fleet(
        *(
            {code: np.concatenate([hits[code], more[code]], axis=1) for code in hits}
            for hits, more in zip(vars(test).values(), vars(others).values(), strict=True)
        )
    )
    inflation = POLICY.all_lesions.variance_inflation
    return float((gate_p_value(whole, inflation=inflation) <= FIRST_LEVEL).mean())


def _chain(rng: np.random.Generator, anchor: Hits, promoted: np.ndarray, loss: float) -> Hits:
    """The champion of each run: so many promotions after the anchor, each with this loss of melanomas."""
    champion, sensitivity = anchor, dict(SENSITIVITY)
    for step in range(int(promoted.max(initial=0))):
        further = next_model(rng, champion, sensitivity, {"MM": loss})
        moved = (promoted > step)[:, None]
        champion = {code: np.where(moved, further[code], champion[code]) for code in champion}
        sensitivity["MM"] -= loss
    return champion


def creep(size: Size, bar: tqdm, updates: int = 20, loss: float = 0.02, melanomas: int = 100) -> dict[str, np.ndarray]:
    """Mean true loss of melanoma sensitivity after each update, [updates], on new test patients every time."""
    found = {}
    for name, rule in RULES.items():
        rng = generator(f"creep/{name}")
        promoted, losses = np.zeros(size.fleets, dtype=int), []
        for _ in range(updates):
            anchor = first_model(rng, size.fleets, melanomas)
            champion = _chain(rng, anchor, promoted, loss)
            promoted = promoted + rule(Fleet(_candidate(rng, champion, promoted, loss), champion, anchor))
            losses.append(loss * promoted.mean())
            bar.update()
        found[name] = np.array(losses)
    return found


def _candidate(rng: np.random.Generator, champion: Hits, promoted: np.ndarray, loss: float) -> Hits:
    candidate = {code: np.empty_like(hit) for code, hit in champion.items()}
    for steps in np.unique(promoted):
        here = promoted == steps
        sensitivity = {**SENSITIVITY, "MM": SENSITIVITY["MM"] - loss * int(steps)}
        part = next_model(rng, {code: hit[here] for code, hit in champion.items()}, sensitivity, {"MM": loss})
        for code, hit in part.items():
            candidate[code][here] = hit
    return candidate


def overuse(
    size: Size, bar: tqdm, candidates: int = 50, melanomas: int = 100
) -> tuple[dict[str, float], dict[str, float]]:
    """One set of test patients: runs with a false promotion among candidates worse by the margin in MM, and the mean
    true loss after as many updates that are each 2 points worse than the champion of the moment."""
    rng = generator("overuse/worse by the margin")
    champion = first_model(rng, size.fleets, melanomas)
    names = ["gate", "gate without ledger", *[name for name in RULES if not name.startswith("gate")]]
    ever = {name: np.zeros(size.fleets, dtype=bool) for name in names}
    wealth = POLICY.test_set_alpha
    for _ in range(candidates):
        fleet = Fleet(next_model(rng, champion, SENSITIVITY, {"MM": MARGIN}), champion, champion)
        p_values, level = gate_p_value(fleet), POLICY.ledger.spend * wealth
        wealth = (wealth - level) / 2
        ever["gate"] |= p_values <= level
        ever["gate without ledger"] |= p_values <= POLICY.alpha
        for name in names[2:]:
            ever[name] |= RULES[name](fleet)
        bar.update()
    lost = {}
    for name in names:
        rng = generator(f"overuse/{name}")
        anchor = first_model(rng, size.fleets, melanomas)
        champion, promoted = anchor, np.zeros(size.fleets, dtype=int)
        left = np.full(size.fleets, POLICY.test_set_alpha)
        for _ in range(candidates):
            fleet = Fleet(_candidate(rng, champion, promoted, 0.02), champion, anchor)
            if name.startswith("gate"):
                level = POLICY.ledger.spend * left if name == "gate" else np.full(size.fleets, POLICY.alpha)
                passed = gate_p_value(fleet) <= level
                left = np.where(passed, level, (left - level) / 2)
            else:
                passed = RULES[name](fleet) & (promoted < 40)  # beyond, no sensitivity is left to lose
            champion = {code: np.where(passed[:, None], fleet.candidate[code], champion[code]) for code in champion}
            promoted = promoted + passed
            bar.update()
        lost[name] = 0.02 * float(promoted.mean())
    return {name: float(found.mean()) for name, found in ever.items()}, lost


@dataclass(frozen=True)
class Stream:
    """A challenger in shadow mode, seen one confirmed melanoma after the other."""

    difference: float
    discordance: float
    decided: float  # share of streams that ever show non-inferiority
    quartiles: tuple[float, float, float]  # confirmed melanomas until then, over all streams
    peeking: float  # share that Tango's test at 5 % after every case would ever call shown
    point: float  # share that `>=` after any case from the tenth on would
    fixed: int | None  # melanomas that a single test with power 0.8 needs


def shadow(size: Size, bar: tqdm, looks: int = 2000) -> list[Stream]:
    """Time to decide, and decisions that are wrong at any of 2,000 looks."""
    found = []
    for difference in (0.05, 0.0, -MARGIN):
        for discordance in DISCORDANCES:
            rng = generator(f"shadow/{difference}/{discordance}")
            gain, loss = (discordance + difference) / 2, (discordance - difference) / 2
            first, peeked, pointed = [], [], []
            number = np.arange(1, looks + 1)
            for _ in range(size.streams):
                values = rng.choice([1.0, 0.0, -1.0], size=looks, p=[gain, 1 - gain - loss, loss])
                reached = log_e_values(values, -1.0, -MARGIN) >= np.log(1 / challenger_alpha(POLICY))
                first.append(int(reached.argmax()) + 1 if reached.any() else np.inf)
                gains, losses = np.cumsum(values > 0), np.cumsum(values < 0)
                p_values = norm.sf(_score(gains, losses, number))
                peeked.append(bool((p_values <= POLICY.shadow.alpha).any()))
                pointed.append(bool((gains >= losses)[9:].any()))
                bar.update()
            quartiles = tuple(float(q) for q in np.quantile(first, (0.25, 0.5, 0.75), method="higher"))
            fixed = paired.pairs_needed(MARGIN, discordance, difference, 0.05, 0.8) if difference > -MARGIN else None
            decided = float(np.isfinite(first).mean())
            found.append(
                Stream(
                    difference, discordance, decided, quartiles, float(np.mean(peeked)), float(np.mean(pointed)), fixed
                )  # type: ignore[arg-type]
            )
    return found


def _score(gains: np.ndarray, losses: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Tango's statistic after each case: `paired.score` for a different n at each place."""
    linear = -gains - losses - (2 * number - gains + losses) * MARGIN
    constant = losses * MARGIN * (1 + MARGIN)
    rate = (np.sqrt(np.maximum(linear**2 - 8 * number * constant, 0)) - linear) / (4 * number)
    variance = np.maximum(number * (2 * rate - MARGIN * (1 + MARGIN)), 1e-12)
    return (gains - losses + number * MARGIN) / np.sqrt(variance)


@dataclass(frozen=True)
class Clustered:
    """Errors of tests at 5 % on patients with 1 to 5 lesions."""

    patients: int
    correlation: float
    floor: float
    not_worse: float
    floor_by_lesion: float
    not_worse_by_lesion: float


def several_lesions(size: Size, bar: tqdm) -> list[Clustered]:
    """Type I error where lesions of a patient are found or missed together, beside counting lesions as patients."""
    found, runs, floor = [], size.fleets, POLICY.floors["MM"]
    for patients in (30, 100, 250):
        for correlation in (0.0, 0.5, 1.0):
            rng = generator(f"clustered/{patients}/{correlation}")
            wrong = np.zeros(4)
            for _ in range(runs):
                patient, hit = _lesions(rng, patients, correlation, [1 - floor, floor])
                wrong[0] += clustered.proportion(patient, hit == 1).p_value_above(floor) <= 0.05
                wrong[2] += exact.p_value_above(float((hit == 1).sum()), len(hit), floor) <= 0.05
                patient, cell = _lesions(rng, patients, correlation, [0.04, 0.04 + MARGIN, 0.92 - MARGIN])
                wrong[1] += clustered.pairs(patient, cell != 1, cell != 0).p_value_not_worse(MARGIN) <= 0.05
                gains, losses = float((cell == 0).sum()), float((cell == 1).sum())
                wrong[3] += paired.p_value(gains, losses, len(cell), MARGIN) <= 0.05
            found.append(Clustered(patients, correlation, *(wrong / runs)))
            bar.update()
    return found


def _lesions(
    rng: np.random.Generator, patients: int, correlation: float, chances: list[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Patient and outcome of each lesion; with probability `correlation` it is the outcome the patient's share."""
    patient = np.repeat(np.arange(patients), rng.integers(1, 6, patients))
    shared = rng.choice(len(chances), size=patients, p=chances)[patient]
    own = rng.choice(len(chances), size=len(patient), p=chances)
    return patient, np.where(rng.random(len(patient)) < correlation, shared, own)


def at_most(level: float, runs: int, cells: int = 1) -> float:
    """Largest share that a true rate of `level` gives in 99 of 100 runs of `cells` simulations."""
    return float(binom.ppf(0.99 ** (1 / cells), runs, level) / runs)


@dataclass(frozen=True)
class Reign:
    """Share of reigns in which any of 20 challengers, each worse by the margin, was promoted."""

    patients: int  # test patients with a melanoma, and confirmed melanomas of each challenger's time in shadow
    shared: float  # one budget for all, as the gate and shadow mode have it
    fresh: float  # the policy's alpha for each use, and its shadow.alpha for each challenger


def reigns(size: Size, bar: tqdm, challengers: int = 20) -> list[Reign]:
    """One champion, one set of test patients, challengers worse by the margin in MM: gate and shadow mode together.

    The one test that should stop them decides alone: floors, guards and the other classes hold nobody back.
    """
    found = []
    for patients in (100, 300):
        rng = generator(f"reigns/{patients}")
        ever = {"shared": np.zeros(size.fleets, dtype=bool), "fresh": np.zeros(size.fleets, dtype=bool)}
        wealth = POLICY.test_set_alpha
        champion = rng.random((size.fleets, patients), dtype=np.float32) < SENSITIVITY["MM"]
        for number in range(1, challengers + 1):
            level = POLICY.ledger.spend * wealth
            wealth = (wealth - level) / 2
            candidate = next_model(rng, {"MM": champion}, SENSITIVITY, {"MM": MARGIN}, 0.20)["MM"]
            p_values = not_worse(candidate, champion, MARGIN)
            gain, loss = (0.20 - MARGIN) / 2, (0.20 + MARGIN) / 2
            values = rng.choice([1.0, 0.0, -1.0], size=(size.fleets, patients), p=[gain, 1 - gain - loss, loss])
            evidence = np.array([log_e_values(each, -1.0, -MARGIN).max() for each in values])
            ever["shared"] |= (p_values <= level) | (evidence >= -np.log(challenger_alpha(POLICY, number)))
            ever["fresh"] |= (p_values <= POLICY.alpha) | (evidence >= -np.log(POLICY.shadow.alpha))
            bar.update()
        found.append(Reign(patients, float(ever["shared"].mean()), float(ever["fresh"].mean())))
    return found
