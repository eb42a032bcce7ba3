"""The overview: is the model still right for the patients we see, what changed, which site, what should I do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.data.cases import photograph_path
from dermai.evaluation.metrics import Rate
from dermai.gate.reference_standard import NAMES
from dermai.inbox.set_aside import referrals_set_aside
from dermai.language.messages import message
from dermai.language.translation import gettext, in_language
from dermai.promotion.acknowledgement import in_words, open_incidents, page_of
from dermai.promotion.standing import champion_standing
from dermai.records.after_alarms import owed_after_alarms
from dermai.records.clockwork import overdue_tasks
from dermai.registry.registry import Registry
from dermai.registry.versions import CHAMPION
from dermai.report.figures import Row, interval_plot, line_plot
from dermai.report.thumbnails import thumbnail
from dermai.report.wording import diagnosis_name
from dermai.triage.scoring import triage_folder
from dermai.workspace import Workspace
from monitoring.assessment import DriftVerdict
from monitoring.evidently_report import report_file
from monitoring.findings import HEADLINES, KINDS
from monitoring.history import History, WindowRecord, read_history
from monitoring.overall_verdict import overall
from monitoring.waiting_list import kept_waiting_list
from web.accounts.roles import Permission
from web.accounts.visitor import Visitor
from web.overview.reports import needs_photographs

if TYPE_CHECKING:
    from markupsafe import Markup

TONES: Mapping[DriftVerdict, str] = {"stable": "good", "watch": "open", "act": "bad", "too_few": "quiet"}
LABELS: Mapping[DriftVerdict, str] = {
    "stable": message("Stable"),
    "watch": message("Watch"),
    "act": message("Act"),
    "too_few": message("Too few cases"),
}
ANSWERS: Mapping[DriftVerdict, str] = {
    "stable": message("Yes: the model still sees the patients it knows"),
    "watch": message("Probably: but something is different"),
    "act": message("Perhaps not: please act"),
    "too_few": message("Nobody can say yet: too few patients"),
}
WINDOWS_SHOWN = 30
MLFLOW = "mlflow ui --backend-store-uri sqlite:///mlflow.db"


@dataclass(frozen=True)
class Link:
    """Where to read on; `command` where a tool has to be started first."""

    name: str
    what: str
    address: str = ""
    command: str = ""


def overview_content(workspace: Workspace, params: Params, visitor: Visitor) -> dict[str, Any]:
    """What the page shows now, from the monitoring's own files; no patient, case or lesion is named in it.

    Photographs, and links to pages with photographs, are for visitors who may see them. The plots are in the language
    that is spoken.
    """
    champion = Registry(workspace, params).by_alias(CHAMPION) if Registry.exists(workspace) else None
    audit = AuditLog(workspace.audit_log)
    history = read_history(workspace, champion.version) if champion else History(model_version="")
    last = history.last
    verdict, changes, advice = overall(history)
    sees_photographs = visitor.may(Permission.READ_CASES)
    return {
        "champion": champion,
        "standing": champion_standing(audit),
        "history": history,
        "last": last,
        "verdict": verdict,
        "tone": TONES[verdict],
        "label": LABELS[verdict],
        "answer": ANSWERS[verdict] if last else message("Not known yet: no window has been judged"),
        "headline": HEADLINES[verdict],
        "changes": changes,
        "advice": advice,
        "owed": owed_after_alarms(workspace),
        "waiting": kept_waiting_list(workspace),
        "set_aside": len(referrals_set_aside(workspace)),
        "not_run": overdue_tasks(audit, params.clockwork, datetime.now(UTC)),
        "incidents": [
            (
                in_words(incident),
                f"/{page_of(incident.body.incident)}" if sees_photographs else "",
                incident.body.incident,
            )
            for incident in open_incidents(audit)
        ],
        "tones": TONES,
        "labels": LABELS,
        "kinds": KINDS,
        "windows": history.windows[-WINDOWS_SHOWN:][::-1],
        "kept": {window.report for window in history.windows[-WINDOWS_SHOWN:] if has_report(workspace, window)},
        "sensitivity": sensitivity_plot(history, params),
        "trends": trends(history.windows[-WINDOWS_SHOWN:]),
        "groups": [] if last is None else sorted(last.groups, key=lambda group: (group.kind != "site", -group.share)),
        "by_group": {} if history.confirmed is None else history.confirmed.groups,
        "newest": newest_photographs(workspace, last) if last and sees_photographs else [],
        "alarms": len(audit.entries("drift_alarm")),
        "simulated": bool(last and any(group.name.startswith("simulated") for group in last.groups)),
        "links": links(workspace, history, sees_photographs),
        "params": params,
        "standard": standard_words(params),
    }


def sensitivity_plot(history: History, params: Params) -> Markup | None:
    """Confirmed sensitivity of each gated class beside its floor; None before the first confirmed case."""
    confirmed = history.confirmed
    if confirmed is None or not any(one.cases for one in confirmed.classes):
        return None
    rows = [
        Row(
            diagnosis_name(one.lesion_class),
            {"candidate": Rate(count=one.hits, total=one.cases, value=one.value, low=one.low or 0, high=one.high or 0)},
            params.gate.floors.get(one.lesion_class),
        )
        for one in confirmed.classes
    ]
    return interval_plot(rows, gettext("Confirmed sensitivity"))


def standard_words(params: Params) -> str:
    """What a diagnosis must be confirmed by to count: `histology for MM and BCC, else ...`."""
    rules = params.gate.reference_standards
    named = [
        gettext("%(kinds)s for %(code)s") % {"kinds": _any(kinds), "code": c} for c, kinds in rules.by_class.items()
    ]
    return ", ".join([*named, gettext("%(kinds)s for the others") % {"kinds": _any(rules.otherwise)}])


def _any(kinds: Iterable[str]) -> str:
    return gettext(" or ").join(in_language(NAMES.get(kind, kind)) for kind in kinds)


def trends(windows: tuple[WindowRecord, ...]) -> list[tuple[str, Markup]]:
    """Lines over the windows: how unlike the reference, how many to retake."""
    if len(windows) < 2:
        return []
    distance = [None if window.distance is None else max(0.0, window.distance) for window in windows]
    retakes = [None if window.retakes is None else 100 * window.retakes for window in windows]
    ages = [window.ages for window in windows]
    found = [
        (gettext("How unlike the known photographs (distance, 0 is alike)"), gettext("distance"), distance),
        (gettext("Photographs that failed the quality check (%)"), gettext("photographs to retake"), retakes),
        (gettext("Median age of the patients (years)"), gettext("age"), ages),
    ]
    return [(title, line_plot([("first", name, line)], title, gettext("window"))) for title, name, line in found]


def newest_photographs(workspace: Workspace, window: WindowRecord) -> list[str]:
    """Thumbnails, without anything that says whose they are."""
    folder = triage_folder(workspace)
    return [thumbnail(photograph_path(folder, image)) for image in window.newest]


def has_report(workspace: Workspace, window: WindowRecord) -> bool:
    """Whether the window's Evidently report is still kept."""
    return bool(window.report) and report_file(workspace, window.report).is_file()


def links(workspace: Workspace, history: History, sees_photographs: bool) -> list[Link]:
    """Every page that exists and that the visitor may open, in the order in which people ask for them."""
    found = []
    if history.last and has_report(workspace, history.last):
        found.append(
            Link(message("Evidently: this window"), message("every column beside the reference"), history.last.report)
        )
    if history.project:
        found.append(
            Link(message("Evidently: over time"), message("panels of all windows"), f"/projects/{history.project}")
        )
    pages = (
        (
            message("Newest triage"),
            message("its worklist as a page, to print or to keep"),
            "triage_cases/latest/worklist.html",
        ),
        (
            message("Model update"),
            message("the last update and why it was or was not promoted"),
            "incremental_finetune/latest/report.html",
        ),
        ("Data Docs", message("what was checked in the dataset"), "validation/index.html"),
    )
    for name, what, place in pages:
        if (workspace.reports / place).is_file() and (sees_photographs or not needs_photographs(place)):
            found.append(Link(name, what, f"/reports/{resolved(workspace.reports, place)}"))
    mlflow = os.environ.get("MLFLOW_TRACKING_URI", "")
    if mlflow.startswith("http"):
        found.append(Link("MLflow", message("all model versions"), mlflow))
    else:
        found.append(Link("MLflow", message("all model versions"), command=MLFLOW))
    zenml = os.environ.get("ZENML_STORE_URL", "")
    if zenml.startswith("http"):
        found.append(Link("ZenML", message("all runs"), zenml))
    else:
        found.append(Link("ZenML", message("all runs"), command="zenml login --local"))
    return found


def resolved(reports: Path, place: str) -> str:
    """A place below the reports with `latest` followed, so that the address stays right when a newer run comes."""
    return (reports / place).resolve().relative_to(reports.resolve()).as_posix()
