"""Evidently: a report of each window, and a workspace with one project a champion whose panels show them over time."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd

from dermai.environment import silence_telemetry
from dermai.images.acquisition import ACQUISITION
from dermai.percentages import per_cent
from dermai.prediction_log.log import probability_columns
from dermai.workspace import Workspace
from monitoring.assessment import CASE_MIX
from monitoring.evidently_remains import clear_remains
from monitoring.history import History, WindowRecord
from monitoring.statistics.photographs import ScoredPhotographs

OWN_TYPES = "monitoring.evidently_metrics"
KEPT_REPORTS = 60  # Evidently reads all of them when it starts, a tenth of a second each
TABS = ("Is it as before?", "Is the model right?", "Who is referred?")


def evidently_folder(workspace: Workspace) -> Path:
    """The workspace that `evidently ui` serves."""
    return workspace.state / "evidently"


class EvidentlyProject:
    """The champion's project, opened once a run: opening reads every report that is kept."""

    def __init__(self, workspace: Workspace, history: History, gated_classes: tuple[str, ...]) -> None:
        """Open the history's project, or make one with its panels where it is not there."""
        _prepare()
        from evidently.ui.workspace import Workspace as EvidentlyWorkspace

        folder, title = evidently_folder(workspace), f"Model version {history.model_version}"
        reports = {window.report.rpartition("/")[2] for window in history.windows}
        clear_remains(folder, title, history.project, reports)
        _forget_oldest(folder)
        self.evidently = EvidentlyWorkspace.create(str(folder))
        known = next((found for found in self.evidently.list_projects() if str(found.id) == history.project), None)
        project = known or self.evidently.create_project(
            title, "Windows of referrals against the photographs this model was validated on"
        )
        self.id, self.gated_classes = str(project.id), gated_classes
        self.draw_panels(history)

    def publish(
        self, record: WindowRecord, window: ScoredPhotographs, reference: ScoredPhotographs, watch: float, whole: bool
    ) -> tuple[str, float | None]:
        """Add a window's report; returns its address below the UI and Evidently's share of drifted columns.

        Only a `whole` report draws every column: that takes seconds. No identifier of a patient, case or lesion goes
        into it.
        """
        from evidently import DataDefinition, Dataset, Report
        from evidently.metrics import DriftedColumnsCount
        from evidently.presets import DataDriftPreset, DataSummaryPreset

        from monitoring.evidently_metrics import STATISTICS, WindowStatistic

        scores = probability_columns(reference.table)
        numbers = [name for name in (*scores, *ACQUISITION, "age") if _holds(name, window, reference)]
        categories = [name for name in ("predicted", *CASE_MIX) if _holds(name, window, reference)]
        definition = DataDefinition(numerical_columns=numbers, categorical_columns=categories)
        current, before = (
            Dataset.from_pandas(side.table[[*numbers, *categories]].astype(dict.fromkeys(categories, str)), definition)
            for side in (window, reference)
        )
        statistics = window_statistics(record)
        level = watch / (len(numbers) + len(categories))  # Bonferroni
        methods = {"num_method": "ks", "cat_method": "chisquare", "num_threshold": level, "cat_threshold": level}
        presets = (
            [DataDriftPreset(**methods), DataSummaryPreset()]
            if whole
            else [DriftedColumnsCount(drift_share=0.5, **methods)]
        )
        own = [WindowStatistic(statistic=name) for name in statistics["statistic"]]
        # A category that is new has no expected count, a column that never changes no correlation.
        with np.errstate(divide="ignore", invalid="ignore"):
            snapshot = Report([*own, *presets], include_tests=False).run(
                current,
                before,
                additional_data={STATISTICS: Dataset.from_pandas(statistics)},
                timestamp=record.last,
                tags=[record.verdict],
                name=f"Window {record.number}: {record.verdict.replace('_', ' ')}",
            )
        found = self.evidently.add_run(self.id, snapshot)
        return f"/projects/{self.id}/reports/{found.id}", _drifted_share(snapshot)

    def draw_panels(self, history: History) -> None:
        """All panels anew, one with the share of each site that was seen so far among them.

        Evidently's own way to add a panel puts it into its tab twice, and its way to delete one deletes all panels of
        the other tabs.
        """
        from evidently.sdk.models import DashboardModel, DashboardTabModel

        panels = [*_panels(self.gated_classes), (TABS[2], _sites_panel(history))]
        tabs = [
            DashboardTabModel(title=tab, panels=[panel.id for place, panel in panels if place == tab]) for tab in TABS
        ]
        self.evidently.save_dashboard(UUID(self.id), DashboardModel(tabs=tabs, panels=[panel for _, panel in panels]))


def report_file(workspace: Workspace, address: str) -> Path:
    """The file behind a report's address `/projects/<project>/reports/<snapshot>`."""
    _, _, project, _, snapshot = address.split("/")
    return evidently_folder(workspace) / project / "snapshots" / f"{snapshot}.json"


def _forget_oldest(folder: Path) -> None:
    """Keep the newest reports of all projects; what older windows showed stays in the history."""
    reports = sorted(folder.glob("*/snapshots/*.json"), key=lambda path: path.name)  # names begin with their time
    for path in reports[:-KEPT_REPORTS]:
        path.unlink()


def window_statistics(record: WindowRecord) -> pd.DataFrame:
    """The numbers of a window that Evidently keeps: statistic, title, value, text. What is unknown is left out."""
    rows: list[tuple[str, str, float | None, str]] = [
        ("photographs", "Photographs", record.photographs, str(record.photographs)),
        ("patients", "Patients", record.patients, str(record.patients)),
        ("embedding_distance", "Distance of the photographs (MMD²)", record.distance, f"{record.distance or 0:.4f}"),
        ("retake_rate", "Photographs to retake", record.retakes, per_cent(record.retakes, 1)),
        ("age_median", "Median age", record.ages, f"{record.ages or 0:.0f} years"),
    ]
    for family, p_value in record.p_values.items():
        title = f"Evidence of change: {family.replace('_', ' ')} (p, Holm)"
        rows.append((f"evidence_{family}", title, -math.log10(max(p_value, 1e-6)), f"{p_value:.4f}"))
    for share in record.prevalence:
        text = f"{per_cent(share.window)} ({per_cent(share.low)} to {per_cent(share.high)}), "
        text += f"was {per_cent(share.reference)}"
        rows.append((f"share_{share.lesion_class}", f"Estimated share of {share.lesion_class}", share.window, text))
    for confirmed in record.confirmed:
        name = confirmed.lesion_class
        rows += _with_interval(f"confirmed_{name}", f"Confirmed sensitivity, {name}", confirmed)
    for estimated in record.estimated:
        name = estimated.lesion_class
        rows += _with_interval(f"estimated_{name}", f"Estimated sensitivity, {name}", estimated)
    for group in record.groups:
        if group.kind == "site":
            text = f"{group.photographs} photographs, {per_cent(group.share)} (was {per_cent(group.reference_share)})"
            rows.append((f"site_{group.name}", f"Site {group.name}", group.share, text))
    table = pd.DataFrame(rows, columns=["statistic", "title", "value", "text"])
    return table[table["value"].notna()].reset_index(drop=True)


def _with_interval(name: str, title: str, found: Any) -> list[tuple[str, str, float | None, str]]:
    if found.value is None:
        return []
    text = f"{per_cent(found.value)} ({per_cent(found.low)} to {per_cent(found.high)})"
    return [
        (name, title, found.value, text),
        (f"{name}_low", f"{title}, lower bound", found.low, per_cent(found.low)),
        (f"{name}_high", f"{title}, upper bound", found.high, per_cent(found.high)),
    ]


def _panels(gated_classes: tuple[str, ...]) -> list[tuple[str, Any]]:
    from evidently.sdk.models import PanelMetric
    from evidently.sdk.panels import bar_plot_panel, line_plot_panel

    def own(statistic: str, legend: str = "") -> Any:
        return PanelMetric(
            legend=legend or statistic.replace("_", " "),
            metric="WindowStatistic",
            metric_labels={"statistic": statistic},
        )

    drifted = PanelMetric(legend="share", metric="DriftedColumnsCount", metric_labels={"value_type": "share"})
    families = ("photographs", "scores", "acquisition", "case_mix", "diagnoses", "sensitivity")
    evidence = [own(f"evidence_{name}", name.replace("_", " ")) for name in families]
    first, second, third = TABS
    found = [
        (first, line_plot_panel("Evidence of change, -log10 p", evidence, "3.0 calls to act", "full")),
        (first, line_plot_panel("Distance of the photographs", [own("embedding_distance", "MMD²")], size="half")),
        (first, line_plot_panel("Columns that Evidently calls drifted", [drifted], "KS and chi-square", "half")),
    ]
    for name in gated_classes:
        bounds = [
            own(f"confirmed_{name}", "confirmed"),
            own(f"confirmed_{name}_low", "confirmed, lower"),
            own(f"confirmed_{name}_high", "confirmed, upper"),
            own(f"estimated_{name}_low", "estimated, lower"),
            own(f"estimated_{name}_high", "estimated, upper"),
        ]
        found.append((second, line_plot_panel(f"Sensitivity, {name}", bounds, "95 % intervals", "half")))
    volume = PanelMetric(legend="patients", metric="WindowStatistic", metric_labels={"statistic": "patients"})
    found += [
        (third, bar_plot_panel("Patients a window", [volume], size="half")),
        (third, line_plot_panel("Median age", [own("age_median", "years")], size="half")),
        (
            third,
            line_plot_panel("Estimated share", [own(f"share_{name}", name) for name in gated_classes], size="half"),
        ),
        (third, line_plot_panel("Photographs to retake", [own("retake_rate", "share")], size="half")),
    ]
    return found


def _sites_panel(history: History) -> Any:
    from evidently.sdk.models import PanelMetric
    from evidently.sdk.panels import bar_plot_panel

    sites = sorted({group.name for window in history.windows for group in window.groups if group.kind == "site"})
    metrics = [
        PanelMetric(legend=site, metric="WindowStatistic", metric_labels={"statistic": f"site_{site}"})
        for site in sites
    ]
    return bar_plot_panel("Sites", metrics, "share of each window", "full", True)


def _holds(name: str, *sides: ScoredPhotographs) -> bool:
    return all(name in side.table and side.table[name].replace("", None).notna().any() for side in sides)


def _drifted_share(snapshot: Any) -> float | None:
    for metric in snapshot.dict()["metrics"]:
        if "DriftedColumnsCount" in str(metric.get("metric_name", metric.get("metric_id", ""))):
            return float(metric["value"]["share"])
    return None


def _prepare() -> None:
    """Evidently reads these when it is imported."""
    silence_telemetry()
    os.environ.setdefault("EVIDENTLY_TYPE_PREFIXES", OWN_TYPES)
