"""Weeks of referrals of patients who do not exist, each with a change that the monitoring should name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd

from dermai.config import Params
from dermai.data.pseudonyms import load_pseudonyms
from dermai.data.sender_numbers import SOURCE, SenderNumbers
from dermai.files import write_text
from dermai.models.package import ModelPackage
from dermai.prediction_log.confirmations import Confirmed, confirm
from dermai.prediction_log.log import PredictionLog
from dermai.registry.registry import Registry
from dermai.registry.versions import CHAMPION
from dermai.report.latest import point_latest_at
from dermai.simulate.frequencies import DERMAI
from dermai.simulate.publishers import simulate
from dermai.simulate.scenario import Scenario
from dermai.triage.referrals import read_referrals
from dermai.triage.run import run_triage
from dermai.triage.scoring import admit
from dermai.workspace import Workspace

FIRST_ARRIVAL = 901  # patients of no other arrival
NEW_CLASS = "a diagnosis nobody taught"
RISEN_SHARE = 0.34
SPARE = 1.35  # photographs drawn for each that a window needs: some do not pass the quality check


@dataclass(frozen=True)
class Week:
    """One simulated week and what is different in it."""

    story: str
    changes: dict[str, object]


@dataclass(frozen=True)
class SimulatedWeek:
    """What became of it."""

    story: str
    folder: Path
    photographs: int
    retakes: int
    worklist: str


def weeks(shares: dict[str, float]) -> tuple[Week, ...]:
    """The story: nothing, a phone, a site, a new class, more melanoma. `shares` are those that the champion knows."""
    base = multipliers(shares)
    rest = 1 - shares.get("MM", 0)
    risen = {name: share * (1 - RISEN_SHARE) / rest for name, share in shares.items() if name != "MM"}
    return (
        Week("nothing has changed", {"prevalence": base}),
        Week("one phone was replaced: darker and blurrier", {"prevalence": base, "darkness": 0.25, "blur": 0.6}),
        Week("a new site joined, its patients are older", {"prevalence": base, "site": "centre E", "age_shift": 14}),
        Week("a diagnosis that the model never learnt", {"prevalence": base, "new_class": NEW_CLASS,
                                                         "new_class_share": 1.0}),
        Week("melanoma is really more frequent", {"prevalence": multipliers({**risen, "MM": RISEN_SHARE})}),
    )  # fmt: skip


def multipliers(shares: dict[str, float]) -> dict[str, float]:
    """What the simulator multiplies the paper's frequencies with to reach these shares.

    >>> round(multipliers({"MM": 0.5, "BCC": 0.5})["MM"], 2)
    32.98
    """
    total = sum(sum(counts) for counts in DERMAI.values())
    return {name: shares.get(name, 0.0) * total / sum(counts) for name, counts in DERMAI.items()}


def known_shares(package: ModelPackage) -> dict[str, float]:
    """Shares of the diagnoses among the service's own photographs that the champion's answers were held out for."""
    rows = package.manifest[package.manifest["image"].isin(package.validation["image"])]
    own = rows[rows["source"] == SOURCE]
    rows = rows if len(rows) else package.manifest
    counts = (own if len(own) else rows)["diagnosis"].value_counts(normalize=True)
    return {str(name): float(share) for name, share in counts.items()}


def simulate_production(
    workspace: Workspace,
    params: Params,
    folder: Path,
    size: int,
    seed: int = 1,
    say: Callable[[str], None] = print,
    until: date | None = None,
) -> list[SimulatedWeek]:
    """Draw the weeks below `folder`, triage each as if it had come in on its Monday, and confirm all but the last.

    The last week ends before `until`, today where none is given. Each diagnosis is dated a week after its referral.
    A week ends where as many photographs as a window holds have passed the quality check: weeks and windows coincide.
    """
    registry = Registry(workspace, params)
    champion = registry.by_alias(CHAMPION)
    shares = {} if champion is None else known_shares(ModelPackage.load(registry.download(champion.version)))
    story = weeks(shares or {name: sum(c) / 3430 for name, c in DERMAI.items()})
    until = until or datetime.now(UTC).date()
    first = until - timedelta(days=until.weekday() + 7 * len(story))
    done = []
    for number, week in enumerate(story, 1):
        here = folder / f"week-{number}"
        received = datetime.combine(first + timedelta(days=7 * (number - 1)), datetime.min.time(), UTC)
        _draw(here, week, params.monitoring.window, size, seed, number, received.date())
        _cut(here, workspace, params, received.date() + timedelta(days=7))
        output = workspace.reports / "triage_cases" / f"simulated-{here.name}"
        summary = run_triage(workspace, params, here, output, received)
        point_latest_at(output)
        done.append(SimulatedWeek(week.story, here, summary.scored_now, summary.retakes, summary.page))
        say(f"week {number}, {week.story}: {summary.scored_now} photographs scored, {summary.retakes} to retake")
        if number > 1:
            back = confirm_week(workspace, done[-2].folder)
            say(f"  diagnoses of week {number - 1} came back: {back.accepted} recorded, {len(back.refused)} set aside")
    return done


def confirm_week(workspace: Workspace, folder: Path) -> Confirmed:
    """Hand the simulated truth in, as a clinic would: the sender's case numbers and the diagnoses."""
    numbers = SenderNumbers(load_pseudonyms(workspace))
    return confirm(PredictionLog.of(workspace), folder / "diagnoses.csv", numbers=numbers)


def _draw(folder: Path, week: Week, window: int, size: int, seed: int, number: int, start: date) -> None:
    total = sum(sum(counts) for counts in DERMAI.values())
    share = 1 + float(str(week.changes.get("new_class_share", 0)))
    scale = SPARE * window / total / share * (1.35 if "darkness" in week.changes else 1)
    values = {"source": "dermai", "scale": scale, "seed": seed, "arrival": FIRST_ARRIVAL + number, "size": size,
              "start": start - timedelta(days=90 * (FIRST_ARRIVAL + number - 1)), **week.changes}  # fmt: skip
    simulate(folder, Scenario.model_validate(values))


def _cut(folder: Path, workspace: Workspace, params: Params, confirmed_on: date) -> None:
    """Keep the rows up to the one that fills a window; the diagnoses go into a file of their own."""
    table = pd.read_csv(folder / "cases.csv", dtype=str, keep_default_na=False)
    table = table.sample(frac=1, random_state=0).reset_index(drop=True)
    write_text(folder / "cases.csv", table.to_csv(index=False))
    numbers = SenderNumbers(load_pseudonyms(workspace))
    admission = admit(folder, read_referrals(folder, numbers).rows, workspace, params)
    sent_back = set(admission.retakes.get("case_id", ()))
    passed = ~table["case_id"].map(numbers.case).isin(sent_back)
    last = passed[passed].index[: params.monitoring.window].max()
    table = table.loc[:last]
    triaged = table.loc[passed.loc[:last], ["case_id", "diagnosis"]]  # those to be taken again have no answer yet
    dated = {"confirmed_by": "histology", "confirmed_on": confirmed_on.isoformat()}
    write_text(folder / "diagnoses.csv", triaged.assign(**dated).to_csv(index=False))
    write_text(folder / "cases.csv", table.drop(columns=["diagnosis", "confirmed_by"]).to_csv(index=False))
