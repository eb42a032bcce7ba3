"""The tables of `benchmarks.gate.gate_on_real_photographs`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from benchmarks.gate.judged_services import (
    AT_LEAST,
    BEST_POSSIBLE,
    CLASSES,
    THRESHOLD,
    Update,
    discordance,
    outcomes,
    sensitivities,
    true_losses,
    variance_ratio,
)
from benchmarks.gate.services import BLURRED, NUMBERS
from dermai.config import Params
from dermai.evaluation.tables import ResultTable
from dermai.gate.exact import interval
from dermai.gate.policy import GatePolicy
from dermai.percentages import per_cent, points

EVERYTHING = "all patients"
UPDATES = (
    Update("equal: each has learnt from another 85 % of the patients", "85 % of the patients",
           "another 85 % of the patients"),
    Update("better: all patients after half of them", "half of the patients", EVERYTHING),
    Update("better: all patients after a third of them", "a third of the patients", EVERYTHING),
    Update("worse: half of the patients after all", EVERYTHING, "half of the patients"),
    Update("worse: a third of the patients after all", EVERYTHING, "a third of the patients"),
    Update("worse: a quarter of the patients after all", EVERYTHING, "a quarter of the patients"),
    Update("worse: half of MM delivered as naevi", EVERYTHING, "half of MM as naevi"),
    Update("worse: three quarters of MM delivered as naevi", EVERYTHING, "three quarters of MM as naevi"),
    Update("worse: half of BCC delivered as naevi", EVERYTHING, "half of BCC as naevi"),
    Update("worse: three quarters of BCC delivered as naevi", EVERYTHING, "three quarters of BCC as naevi"),
    Update("worse: half of MM and BCC delivered as naevi", EVERYTHING, "half of MM and BCC as naevi"),
    Update("worse: learnt from blurred photographs", EVERYTHING, BLURRED),
)  # fmt: skip
WORSE = 0.08  # mean true loss of sensitivity from which on a scenario counts as worse by about the margin
INFLATIONS = (1.0, 1.1, 1.2, 1.35, 1.5)
Tables = Mapping[str, Sequence[pd.DataFrame]]


def share(count: float, of: int) -> str:
    """A share of draws with its exact interval."""
    low, high = interval(count, of, 0.95)
    return f"{per_cent(count / of)} ({per_cent(low)} to {per_cent(high)})"


def judged(tables: Sequence[pd.DataFrame], policies: Mapping[str, GatePolicy], level: float) -> pd.DataFrame:
    """One row a draw and scenario: the outcomes, true losses and discordance."""
    rows = []
    for number, table in enumerate(tables):
        for update in UPDATES:
            losses = {f"loss {code}": loss for code, loss in true_losses(table, update).items()}
            found = outcomes(policies, table, update, level)
            rows.append(
                {"draw": number, "title": update.title, "differ": discordance(table, update), **losses, **found}
            )
    return pd.DataFrame(rows)


def report(draws: Tables, params: Params) -> str:
    """The page."""
    shipped = params.gate
    level = shipped.ledger.spend * shipped.test_set_alpha
    inflation = shipped.all_lesions.variance_inflation
    lower = {"floors": BEST_POSSIBLE}
    policies = {
        f"inflation {value}": shipped.model_copy(
            update=lower | {"all_lesions": shipped.all_lesions.model_copy(update={"variance_inflation": value})}
        )
        for value in sorted({*INFLATIONS, inflation})
    }
    second, first, whole = f"inflation {inflation}", "test patients alone", "as shipped, with its floors"
    never = shipped.all_lesions.model_copy(update={"promotes": "never"})
    policies |= {first: shipped.model_copy(update=lower | {"all_lesions": never}), whole: shipped}
    found = {half: judged(tables, policies, level) for half, tables in draws.items()}
    count = {half: len(tables) for half, tables in draws.items()}
    lines = _introduction(draws, level, inflation)
    lines += ["## What was to be shown", "", _bars(draws, found, policies, second, first).markdown(), ""]
    lines += ["## What the variance needs", "", *_variance(draws), ""]
    lines += ["## Promotions by the inflation of the variance", "", _by_inflation(found, policies).markdown(), ""]
    for half, title in (("judges", "the half that judges"), ("chooses", "the half that chooses")):
        lines += [f"## Promotions on {title}, {count[half]} services", ""]
        lines += [_promotions(found[half], (second, first, whole, AT_LEAST, THRESHOLD), count[half]).markdown(), ""]
    lines += [
        "## Rejections",
        "",
        _rejections(pd.concat(found.values()), second, first, sum(count.values())).markdown(),
    ]
    return "\n".join(lines) + "\n"


def ever_promoted(
    tables: Sequence[pd.DataFrame], found: pd.DataFrame, worse: Sequence[str], policy: GatePolicy, name: str
) -> int:
    """Services in which any of these candidates is promoted, one after the other with what the ledger leaves.

    One that is not promoted at the level of a first use is not at a lower one.
    """
    ever = 0
    for number, table in enumerate(tables):
        wealth, promoted = policy.test_set_alpha, False
        mine = found[found["draw"] == number].set_index("title")[name]
        for update in (update for update in UPDATES if update.title in worse):
            level = policy.ledger.spend * wealth
            if mine[update.title] == "promote":
                promoted = promoted or outcomes({name: policy}, table, update, level)[name] == "promote"
            wealth = (wealth - level) / 2
        ever += promoted
    return ever


def _bars(
    draws: Tables, found: Mapping[str, pd.DataFrame], policies: Mapping[str, GatePolicy], second: str, first: str
) -> ResultTable:
    """The bars, by both columns; scenarios of one service are not independent, and counted as if they were."""
    everything = pd.concat(found.values())
    judging = found["judges"]
    losses = judging.groupby("title")[[f"loss {code}" for code in CLASSES]].mean().max(axis=1)
    worse = [title for title in losses.index[losses >= WORSE] if BLURRED not in title]
    much_worse = judging[judging["title"].isin(worse)]
    per_scenario = much_worse.groupby("title")[second].agg(lambda outcome: (outcome == "promote").mean())
    rows = [
        (f"Promoted although worse by {100 * WORSE:.0f} points or more in a class ({len(worse)} scenarios, the half "
         f"that judges; worst of them {per_cent(float(per_scenario.max()))})", "at most 5 %", much_worse),
        ("Promoted where equal, both halves", "at least 15 %", everything[everything["title"] == UPDATES[0].title]),
        ("Promoted where all patients come after half of them, both halves", "at least 40 %",
         everything[everything["title"] == UPDATES[1].title]),
    ]  # fmt: skip
    shares = [
        (what, bar, *(share(float((table[name] == "promote").sum()), len(table)) for name in (second, first)))
        for what, bar, table in rows
    ]
    tables = draws["judges"]
    ever = (share(ever_promoted(tables, judging, worse, policies[name], name), len(tables)) for name in (second, first))
    after_another = "... any of these candidates of a service, one after the other with one ledger"
    shares.insert(1, (after_another, "at most 5 %", *ever))
    return ResultTable(("", "Bar", "All confirmed lesions", "Test patients alone"), tuple(shares))


def _introduction(draws: Tables, level: float, inflation: float) -> list[str]:
    tables = [table for half in draws.values() for table in half]
    found = {code: np.mean([sensitivities(table, EVERYTHING)[code] for table in tables]) for code in CLASSES}
    service = tables[0][tables[0]["part"] == "service"]
    others = int((~service["diagnosis"].isin(CLASSES)).sum())
    return [
        "# The gate's two columns of evidence on real photographs",
        "",
        "`python -m benchmarks.gate.gate_on_real_photographs ../shared/data`",
        "",
        f"From HAM10000 {len(tables)} services are drawn, half of them from each half of the lesions: "
        f"{NUMBERS['MM']} melanomas, {NUMBERS['BCC']} basal cell carcinomas, {others} others; a fifth are test "
        "patients. Champion and candidate are made by the product's fast update with the shipped parameters and judged "
        f"by its gate at the level of a first use, {level:.4g}. True changes are those of the deployed weights on the "
        "lesions that were left out, in points of sensitivity; champion and anchor are the same model.",
        "",
        f"With so few cases the models truly find {per_cent(float(found['MM']))} of the melanomas and "
        f"{per_cent(float(found['BCC']))} of the basal cell carcinomas here. The shipped floor for melanomas, 70 %, "
        "cannot be shown by a model that hardly meets it, and is not; so the tables are made with floors of 50 %, and "
        "the column *as shipped, with its floors* says what the whole policy does. Intervals are exact for the number "
        "of draws; draws from one half of the lesions overlap, so the truth is a little wider.",
        "",
        f"`all_lesions.variance_inflation` is {inflation:g} as shipped.",
        "",
    ]


def _variance(draws: Tables) -> list[str]:
    rows = []
    for half, tables in draws.items():
        for truth, of_procedure in (("the procedure", True), ("the deployed weights", False)):
            ratios = [variance_ratio(tables, each, of_procedure) for each in UPDATES if each.candidate != BLURRED]
            means = [float(np.mean([ratio[code] for ratio in ratios])) for code in CLASSES]
            rows.append((half, truth, *(f"{mean:.2f}" for mean in [*means, float(np.mean(means))])))
    table = ResultTable(("Half of the lesions", "About the true difference of", *CLASSES, "Both"), tuple(rows))
    return [
        "Variance of the column's difference about the true difference, as a multiple of that of independent lesions; "
        "mean over the scenarios, blurred photographs apart. `variance_inflation` is the "
        "smallest below at which the half that chooses promotes no scenario that is worse by 8 points or more in a "
        "class in more than 5 % of its services:",
        "",
        table.markdown(),
    ]


def _by_inflation(found: Mapping[str, pd.DataFrame], policies: Mapping[str, GatePolicy]) -> ResultTable:
    names = [name for name in policies if name.startswith("inflation")]
    rows = []
    for update in UPDATES:
        for half, table in found.items():
            mine = table[table["title"] == update.title]
            losses = ", ".join(f"{code} {points(-mine[f'loss {code}'].mean())}" for code in CLASSES)
            shares = (per_cent(float((mine[name] == "promote").mean())) for name in names)
            rows.append((update.title, half, losses, *shares))
    return ResultTable(("Candidate", "Half", "True change", *(name.split()[1] for name in names)), tuple(rows))


def _promotions(found: pd.DataFrame, names: Sequence[str], count: int) -> ResultTable:
    rows = []
    for update in UPDATES:
        mine = found[found["title"] == update.title]
        losses = ", ".join(f"{code} {points(-mine[f'loss {code}'].mean())}" for code in CLASSES)
        promoted = (share(float((mine[name] == "promote").sum()), count) for name in names)
        rows.append((update.title, losses, per_cent(float(mine["differ"].mean())), *promoted))
    heads = ("All confirmed lesions", "Test patients alone", "As shipped, with its floors", *names[3:])
    return ResultTable(("Candidate", "True change", "Differ on", *heads), tuple(rows))


def _rejections(found: pd.DataFrame, second: str, first: str, count: int) -> ResultTable:
    rows = []
    for update in UPDATES:
        mine = found[found["title"] == update.title]
        rows.append((update.title, *(share(float((mine[name] == "reject").sum()), count) for name in (second, first))))
    return ResultTable(("Candidate", "Both columns", "Test patients alone"), tuple(rows))
