"""The monitoring's own statistics as Evidently metrics, so that its reports and panels show them.

Evidently's defaults for embeddings alarm on most windows in which nothing changed (see benchmarks/drift),
so the values come from `monitoring.assessment`, handed to the report as the additional dataset `STATISTICS`.
"""

from __future__ import annotations

from typing import Any

from evidently.core.datasets import Dataset
from evidently.core.metric_types import SingleValue, SingleValueCalculation, SingleValueMetric
from evidently.core.report import Context
from evidently.legacy.model.widget import BaseWidgetInfo
from evidently.legacy.renderers.html_widgets import CounterData, WidgetSize, counter

STATISTICS = "window_statistics"  # a dataset with the columns statistic, title, value and text


class WindowStatistic(SingleValueMetric):
    """One number of the window, such as `embedding_distance` or `confirmed_MM`."""

    statistic: str


class WindowStatisticCalculation(SingleValueCalculation[WindowStatistic]):
    """Takes the number from the additional dataset."""

    def calculate(
        self, context: Context, current_data: Dataset, reference_data: Dataset | None
    ) -> tuple[SingleValue, SingleValue | None]:
        """The value, with a counter that shows it in words."""
        row = self._row(context)
        found = self.result(float(row["value"]))
        found.widget = [_words(str(row["title"]), str(row["text"]))]
        return found, None

    def display_name(self) -> str:
        """In Evidently's lists."""
        return self.metric.statistic.replace("_", " ")

    def _row(self, context: Context) -> Any:
        table = context.additional_data[STATISTICS].as_dataframe()
        return table[table["statistic"] == self.metric.statistic].iloc[0]


def _words(title: str, text: str) -> BaseWidgetInfo:
    return counter(title=title, counters=[CounterData("", text)], size=WidgetSize.HALF)
