"""Orders drawn by a number: referrals, diagnoses and monitoring, with any clock, kills, and receivers that fail."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import pandas as pd

from dermai.config import Overrides
from dermai.data.pseudonyms import load_pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.prediction_log.confirmations import confirm
from dermai.prediction_log.log import PredictionLog
from dermai.triage.run import received_time, run_triage
from dermai.workspace import Workspace
from monitoring import alert_delivery
from monitoring.drift_run import run_monitoring
from monitoring.follow_up import follow_up
from monitoring.retraining_workflow import WorkflowNotStarted
from tests.monitoring.killed_processes import Kill
from tests.monitoring.production import quick_params
from tests.triage.referrals import write_referrals

HOURS = (0, 0, 0, -1, -30, 1, 400)  # that the clock is off
DAYS = ("", "", "2026-03-02", "2026-02-01", "2025-12-24")  # received_on
HABITS: tuple[int | str, ...] = (204, 204, 500, 302, 303, "garbage", "hangs", "drips")
TRIAGE_DIES = (
    ("dermai.prediction_log.writing:Writer", "append"),
    ("dermai.prediction_log.writing:Writer", "record"),
    ("dermai.audit:AuditLog", "append"),
    ("dermai.triage.run", "write_worklist_csv"),
)
CONFIRM_DIES = (("dermai.prediction_log.signed_parts", "write_part"), ("dermai.audit:AuditLog", "append"))
MONITORING_DIES = (
    ("monitoring.drift_run", "judge_window"),
    ("monitoring.drift_run", "write_history"),
    ("monitoring.recorded_alarms", "write_history"),
    ("monitoring.evidently_report:EvidentlyProject", "publish"),
    ("monitoring.evidently_report:EvidentlyProject", "draw_panels"),
    ("dermai.audit:AuditLog", "append"),
    ("dermai.records.after_alarms:AfterAlarms", "write"),
    ("monitoring.owed_alerts", "send_alerts"),
    ("monitoring.follow_up", "open_retraining_workflow"),
)
TAKEN_NOT_NOTED = {  # where a receiver has taken what the killed run could not note any more: it is told again
    ("send_alerts", True), ("open_retraining_workflow", True), ("write", False),
}  # fmt: skip


@dataclass(frozen=True)
class Happening:
    """One thing that happens; `folder` is the number of the referrals' folder."""

    what: str  # triage, confirm or monitor
    hours: int = 0
    kill: Kill | None = None
    folder: int = 0
    cases: int = 0
    changed: bool = False  # dark photographs of another site
    again: int = 0  # a folder whose photographs come in a second time, under other cases; 0: none
    received_on: str = ""
    habits: tuple[int | str, ...] = (204, 204, 204)  # of the receivers

    @property
    def told_twice(self) -> bool:
        """Whether the kill fell between a receiver's answer and its note."""
        return self.kill is not None and (self.kill.function, self.kill.after) in TAKEN_NOT_NOTED


def draw_order(seed: int, length: int) -> list[Happening]:
    """Begins with referrals; a quarter of all processes are killed."""
    draws, folders = Random(seed), 0
    order = []
    for place in range(length):
        what = "triage" if place == 0 else draws.choice(("triage", "triage", "confirm", "monitor", "monitor"))
        hours = draws.choice(HOURS)
        dies = {"triage": TRIAGE_DIES, "confirm": CONFIRM_DIES, "monitor": MONITORING_DIES}[what]
        kill = Kill(*draws.choice(dies), draws.choice((0, 0, 0, 1, 2)), draws.random() < 0.5)
        kill = kill if draws.random() < (0.5 if what == "monitor" else 0.2) else None
        if what == "triage" and folders and draws.random() < 0.15:
            order.append(Happening(what, hours, kill, draws.randint(1, folders)))  # once more
        elif what == "triage":
            folders += 1
            again = draws.randint(1, folders - 1) if folders > 1 and draws.random() < 0.2 else 0
            cases, changed = draws.choice((5, 20, 24, 30)), draws.random() < 0.5
            order.append(Happening(what, hours, kill, folders, cases, changed, again, draws.choice(DAYS)))
        elif what == "confirm":
            order.append(Happening(what, hours, kill, draws.randint(1, folders), draws.choice((3, 30))))
        else:
            habits = tuple(draws.choice(HABITS) for _ in range(3))
            order.append(Happening(what, hours, kill, habits=habits))
    return order


def triage(root: Path, folders: Path, happening: Happening) -> None:
    """Triage a folder, which is written where it is not there yet."""
    folder, workspace = folders / str(happening.folder), Workspace(root)
    if not folder.exists() and happening.again:
        shutil.copytree(folders / str(happening.again), folder)
        table = pd.read_csv(folder / "cases.csv")
        table["case_id"] = table["patient_id"] = f"{happening.folder}-again-" + table.index.astype(str)
        table.to_csv(folder / "cases.csv", index=False)
    elif not folder.exists():
        changes = {"brightness": 0.45, "site": "Faro"} if happening.changed else {}
        write_referrals(folder, happening.cases, seed=happening.folder, **changes)  # type: ignore[arg-type]
    output = root / "reports" / "triage_cases" / folder.name
    run_triage(workspace, quick_params(workspace), folder, output, received_time(happening.received_on))


def diagnose(root: Path, folders: Path, happening: Happening) -> None:
    """All that came of a folder are basal cell carcinomas, which the model will not have known."""
    workspace = Workspace(root)
    log = PredictionLog.of(workspace)
    table = pd.read_csv(folders / str(happening.folder) / "cases.csv").head(happening.cases)
    file = folders / "diagnoses.csv"
    table[["case_id"]].assign(diagnosis="BCC", confirmed_by="histology").to_csv(file, index=False)
    confirm(log, file, False, SenderNumbers(load_pseudonyms(workspace), known=cache(log.pseudonyms)))


def monitor(root: Path, run: str, habits: tuple[int | str, ...]) -> None:
    """As the pipeline does: judge, alert, start the workflow, which may not answer."""
    if {"hangs", "drips"} & set(habits):
        alert_delivery.TIME_LIMIT = 8.0
    workspace = Workspace(root)
    params = quick_params(workspace, monitoring__on_act="workflow")
    summary = run_monitoring(workspace, params, run)
    try:
        follow_up(workspace, params, summary, Overrides())
    except WorkflowNotStarted:
        if habits[2] == 204:
            raise
