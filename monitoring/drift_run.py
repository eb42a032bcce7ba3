"""One monitoring run: judge the windows that are waiting, keep what they showed, and see to what follows."""

from __future__ import annotations

import pandas as pd
from pydantic import BaseModel, ConfigDict

from dermai.config import Params
from dermai.errors import DermaiError
from dermai.files import locked, write_json
from dermai.models.package import ModelPackage
from dermai.prediction_log.confirmations import confirmation_problems
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import ASKED_BY, read_retakes
from dermai.promotion.recorded_models import check_registry
from dermai.records.after_alarms import AfterAlarms
from dermai.registry.registry import Registry
from dermai.registry.versions import CHAMPION
from dermai.triage.missed_cancer import raise_incidents
from dermai.workspace import Workspace
from monitoring.assessment import DriftVerdict
from monitoring.confirmed_cases import confirmed_so_far, without_standard
from monitoring.earlier_histories import judged_before
from monitoring.evidently_report import EvidentlyProject
from monitoring.findings import HEADLINES
from monitoring.history import History, read_history, write_history
from monitoring.notices import inbox_notices, incident_notices, send_notices, waiting_notices
from monitoring.overall_verdict import overall
from monitoring.owed_alerts import send_owed_alerts
from monitoring.recorded_alarms import record_sensitivity_alarm, record_window_alarms
from monitoring.reference import load_reference
from monitoring.waiting_list import keep_waiting_list
from monitoring.window_judgement import judge_window
from monitoring.windows import next_windows

WHOLE_REPORTS = 3  # of a run, beside the newest window's: a report with every column takes seconds


class MonitoringSummary(BaseModel):
    """What a run found; `verdict` is that of the newest window, or of the confirmed cases where that is worse."""

    model_config = ConfigDict(frozen=True)

    model_version: str
    windows: int
    verdicts: tuple[str, ...]
    verdict: DriftVerdict
    headline: str
    changes: tuple[str, ...]
    advice: tuple[str, ...]
    waiting: int
    alarms: int  # new ones
    problems: tuple[str, ...]
    dashboard: str = ""


def run_monitoring(workspace: Workspace, params: Params, run: str) -> MonitoringSummary:
    """Judge every full window that was not judged yet, `monitoring.most_windows` at most, one run at a time.

    Each window is written down before the next is judged, so a run that dies is taken up where it was. An alarm is in
    the audit log before anything else follows from it, once for each window. Alerts that are owed of any alarm, of
    other versions too, are sent at the end, also where the run fails.

    Raises:
        DermaiError: there is no champion, or its reference photographs are gone.
    """
    with locked(workspace.state / "monitoring" / ".lock"):
        AfterAlarms.read(workspace).write()  # from here on, each new alarm is owed its alert and follow-up
        try:
            history, before, alarms, problems = _judge_all(workspace, params, run)
        finally:
            raise_incidents(workspace, params)  # of a `dermai confirm` that died before it could
            undelivered = send_owed_alerts(workspace, params.monitoring)
            waiting = keep_waiting_list(workspace, params)
            notices = [*incident_notices(workspace), *inbox_notices(workspace), *waiting_notices(waiting)]
            undelivered += send_notices(workspace, params.monitoring, notices)
    summary = _summary(history, before, alarms, [*problems, *undelivered])
    output = workspace.reports / "monitor_drift" / run
    write_json(output / "monitoring.json", summary.model_dump())
    return summary


def _judge_all(workspace: Workspace, params: Params, run: str) -> tuple[History, int, int, list[str]]:
    """The history as it is kept now, how many windows it held before, new alarms, and what went wrong."""
    registry = Registry(workspace, params)
    version = _champion(registry, params)
    log = PredictionLog.of(workspace)
    history = read_history(workspace, version)
    history, alarms = record_window_alarms(workspace, history)
    judged = history.judged or judged_before(log, version, history.windows)
    waiting = next_windows(log, version, judged, params.monitoring)
    problems = [
        *(str(part) for part in waiting.damaged),
        *confirmation_problems(log),
        *log.problems(),
        *_future(waiting.arrivals),
    ]
    if waiting.backlog:
        problems.append(
            f"{waiting.left} photographs wait beyond the {params.monitoring.most_windows} windows of a run: run it "
            "again, or raise monitoring.window or monitoring.most_windows"
        )
    before = len(history.windows)
    history = history.model_copy(update={"judged": waiting.judged})
    if waiting.windows:
        reference = load_reference(workspace, params, ModelPackage.load(registry.download(version)))
        project = EvidentlyProject(workspace, history, params.gate.gated_classes)
        history = history.model_copy(
            update={
                "project": project.id,
                "reference_photographs": len(reference.own.table),
                "reference_note": reference.note,
            }
        )
        asked, damaged = read_retakes(log)
        retakes = asked[asked[ASKED_BY] == ""]  # a reader's wish is about a photograph that came through
        problems += [str(part) for part in damaged]
        drawn = 0
        for place, window in enumerate(waiting.windows):
            skipped = waiting.backlog and place == 0
            record = judge_window(window, reference, retakes, history, params, run, skipped)
            address, share = project.publish(
                record,
                window.photographs,
                reference.own,
                params.monitoring.watch,
                whole=window is waiting.windows[-1] or (record.verdict != "stable" and drawn < WHOLE_REPORTS),
            )
            drawn += record.verdict != "stable"
            record = record.model_copy(
                update={"report": address, "drifted_columns": share, "recorded": record.verdict != "act"}
            )
            judged = waiting.after(history.judged or waiting.judged, window)
            history = history.model_copy(update={"windows": (*history.windows, record), "judged": judged})
            write_history(workspace, history)
            history, new = record_window_alarms(workspace, history)
            alarms += new
        project.draw_panels(history)
    confirmed = confirmed_so_far(log, version, params)
    problems += without_standard(log, version, params)
    if confirmed.verdict == "act":
        alarms += record_sensitivity_alarm(workspace, version, confirmed, run)
    history = history.model_copy(update={"confirmed": confirmed, "waiting": waiting.left})
    write_history(workspace, history)
    return history, before, alarms, problems


def _future(arrivals: pd.DataFrame) -> list[str]:
    """Dates that triage refuses today, where an earlier release took them or the clock was wrong."""
    dates = pd.to_datetime(arrivals["predicted_at"], utc=True)
    late = dates[dates > pd.Timestamp.now(tz="UTC") + pd.Timedelta(days=1)]
    if late.empty:
        return []
    return [
        f"{len(late)} photographs are dated after today, up to {late.max():%Y-%m-%d}: received_on or the clock was "
        "wrong; they are judged in the order in which they were logged"
    ]


def _champion(registry: Registry, params: Params) -> str:
    check_registry(registry.workspace, params)
    version = registry.by_alias(CHAMPION)
    if version is None:
        raise DermaiError("there is no champion to monitor: run `zenml pipeline run incremental_finetune` first")
    return version.version


def _summary(history: History, before: int, alarms: int, problems: list[str]) -> MonitoringSummary:
    new = history.windows[before:]
    verdict, changes, advice = overall(history)
    return MonitoringSummary(
        model_version=history.model_version,
        windows=len(new),
        verdicts=tuple(record.verdict for record in new),
        verdict=verdict,
        headline=HEADLINES[verdict],
        changes=changes,
        advice=advice,
        waiting=history.waiting,
        alarms=alarms,
        problems=tuple(problems),
    )
