"""One monitoring run: judge the windows that are waiting, keep what they showed, and see to what follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.errors import DermaiError
from dermai.files import locked, write_json
from dermai.gate.reference_standard import counting, not_counted
from dermai.models.package import ModelPackage
from dermai.prediction_log.confirmations import confirmation_problems, read_confirmations, with_diagnoses
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import read_retakes
from dermai.promotion.recorded_models import check_registry
from dermai.records.after_alarms import AfterAlarms
from dermai.records.incidents import DriftAlarm, SensitivityAlarm, WindowAlarm
from dermai.records.log import records_of
from dermai.registry.registry import CHAMPION, Registry
from dermai.workspace import Workspace
from monitoring.assessment import DriftVerdict, assess
from monitoring.earlier_histories import judged_before
from monitoring.evidently_report import EvidentlyProject
from monitoring.findings import HEADLINES, find
from monitoring.history import (
    ConfirmedRecord,
    History,
    WindowRecord,
    assessment_fields,
    read_history,
    sensitivity_record,
    write_history,
)
from monitoring.overall_verdict import overall
from monitoring.owed_alerts import send_owed_alerts
from monitoring.reference import ReferenceSet, load_reference
from monitoring.statistics.groups import confirmed_by_class
from monitoring.statistics.looks import Looks
from monitoring.windows import Window, next_windows

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
        DermaiError: there is no champion, or its validation photographs are gone.
    """
    with locked(workspace.state / "monitoring" / ".lock"):
        AfterAlarms.read(workspace).write()  # from here on, each new alarm is owed its alert and follow-up
        try:
            history, before, alarms, problems = _judge_all(workspace, params, run)
        finally:
            undelivered = send_owed_alerts(workspace, params.monitoring)
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
    history, alarms = _record_alarms(workspace, history)
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
        project = EvidentlyProject(workspace, version, history.project, params.gate.gated_classes)
        history = history.model_copy(
            update={
                "project": project.id,
                "reference_photographs": len(reference.own.table),
                "reference_note": reference.note,
            }
        )
        retakes, damaged = read_retakes(log)
        problems += [str(part) for part in damaged]
        drawn = 0
        for place, window in enumerate(waiting.windows):
            skipped = waiting.backlog and place == 0
            record = _judge(window, reference, retakes, history, params, run, skipped)
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
            history, new = _record_alarms(workspace, history)
            alarms += new
        sites = sorted({group.name for window in history.windows for group in window.groups if group.kind == "site"})
        project.show_sites(sites)
    confirmed = _confirmed_so_far(log, version, params)
    problems += _without_standard(log, version, params)
    if confirmed.verdict == "act":
        alarms += _record_sensitivity_alarm(workspace, version, confirmed, run)
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


def _judge(
    window: Window,
    reference: ReferenceSet,
    retakes: pd.DataFrame,
    history: History,
    params: Params,
    run: str,
    skipped: bool,
) -> WindowRecord:
    number = len(history.windows) + 1
    generator = np.random.default_rng([params.seed, number])
    table = window.photographs.table
    counts = counting(params.gate, table["diagnosis"], table["confirmed_by"])
    found = assess(
        replace(window.photographs, table=table.assign(diagnosis=table["diagnosis"].where(counts, ""))),
        reference.own,
        params.gate.gated_classes,
        params.monitoring,
        generator,
        reference.known,
        params.gate.floors,
    )
    words = find(found)
    asked = retakes["asked_at"].between(pd.Timestamp(window.first), pd.Timestamp(window.last)).sum()
    fields: dict[str, Any] = {
        **assessment_fields(found),
        "model_version": history.model_version,
        "number": number,
        "run": run,
        "first": window.first,
        "last": window.last,
        "last_image": window.last_image,
        "behind": window.behind,
        "headline": words.headline,
        "changes": words.changes,
        "causes": words.causes,
        "advice": words.advice,
        "retakes": float(asked / (asked + found.photographs)),
        "skipped_before": skipped,
    }
    return WindowRecord.model_validate(fields)


def _confirmed_so_far(log: PredictionLog, version: str, params: Params) -> ConfirmedRecord:
    """Sensitivity among all confirmed lesions of this model, tested at the level of one look."""
    columns = ["case_id", "lesion_id", "predicted", "site", "device"]
    confirmed = set(read_confirmations(log)[0]["case_id"])
    table = with_diagnoses(log, log.read(version, columns, only=("case_id", confirmed)).table)
    table = table[counting(params.gate, table["diagnosis"], table["confirmed_by"]) & (table["diagnosis"] != "")]
    classes, confidence, floors = params.gate.gated_classes, params.monitoring.confidence, params.gate.floors
    found = confirmed_by_class(table, table.iloc[:0], classes, confidence, floors)
    looks = Looks(params.monitoring.watch, params.monitoring.act, params.monitoring.looks)
    tested = [each.p_value for each in found if each.cases and each.floor is not None]
    smallest = min(1.0, len(tested) * min(tested)) if tested else 1.0
    verdict: DriftVerdict = "too_few"
    if tested:
        verdict = "act" if smallest <= looks.act_each_look else "watch" if smallest <= looks.watch else "stable"
    groups = {}
    for kind in ("site", "device"):
        for name, inside in table.groupby(table[kind].replace("", "unknown")):
            each = confirmed_by_class(inside, table.iloc[:0], classes, confidence, floors)
            if any(one.cases for one in each):
                groups[f"{kind} {name}"] = tuple(sensitivity_record(one) for one in each)
    return ConfirmedRecord(
        at=datetime.now(UTC),
        lesions=int(table["lesion_id"].nunique()),
        verdict=verdict,
        classes=tuple(sensitivity_record(one) for one in found),
        groups=groups,
    )


def _without_standard(log: PredictionLog, version: str, params: Params) -> tuple[str, ...]:
    """What was confirmed in a way that does not count, lesion by lesion."""
    known = read_confirmations(log)[0]
    scored = log.read(version, ["lesion_id"], only=("lesion_id", set(known["lesion_id"]))).table["lesion_id"]
    known = known[known["lesion_id"].isin(scored)].drop_duplicates("lesion_id", keep="last")
    return not_counted(params.gate, known["diagnosis"], known["confirmed_by"].fillna(""))


def _record_alarms(workspace: Workspace, history: History) -> tuple[History, int]:
    """Write down the alarms of windows that call to act, unless a run that died has done so; how many are new."""
    owed = [window for window in history.windows if not window.recorded]
    if not owed:
        return history, 0
    kept = set(WindowAlarm.model_fields) & set(WindowRecord.model_fields)
    new = sum(
        _record_once(
            workspace,
            WindowAlarm(
                window=f"{window.model_version}/{window.last_image}",
                version=window.model_version,
                **window.model_dump(include=kept),
            ),
        )
        for window in owed
    )
    windows = tuple(window.model_copy(update={"recorded": True}) for window in history.windows)
    history = history.model_copy(update={"windows": windows})
    write_history(workspace, history)
    return history, new


def _record_sensitivity_alarm(workspace: Workspace, version: str, confirmed: ConfirmedRecord, run: str) -> int:
    """Once for each state of the confirmed cases."""
    found = ", ".join(f"{one.lesion_class} {one.hits}/{one.cases}" for one in confirmed.classes)
    return _record_once(
        workspace,
        SensitivityAlarm(
            window=f"{version}/confirmed {found}",
            version=version,
            run=run,
            at=confirmed.at,
            lesions=confirmed.lesions,
            verdict="act",
            classes=confirmed.classes,
        ),
    )


def _record_once(workspace: Workspace, alarm: DriftAlarm) -> int:
    log = AuditLog(workspace.audit_log)
    if any(record.body.window == alarm.window for record in records_of(log, DriftAlarm)):
        return 0
    log.append(alarm)
    return 1


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
