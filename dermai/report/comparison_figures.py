"""Plots of the strategies' comparison: the paper's numbers beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from dermai.evaluation.metrics import Estimate
from dermai.evaluation.scores import Difference
from dermai.percentages import per_cent, percentage, points
from dermai.report.figures import mark, swatch


class Beside(NamedTuple):
    """One line: our estimate with its interval, and the paper's number where there is one (shares)."""

    label: str
    ours: Estimate
    paper: float | None = None


def beside_paper_plot(rows: Sequence[Beside], title: str) -> Markup:
    """Our estimates as dots with intervals, the paper's as diamonds, on a common scale from 0 to 100 %."""
    lines = []
    for row in rows:
        parts = [
            Markup('<line class="grid" x1="{0}%" x2="{0}%" y1="0" y2="28"/>').format(tick) for tick in range(0, 101, 25)
        ]
        value = row.ours.value or 0.0
        parts.append(
            Markup(
                '<g class="candidate"><title>{}</title><line x1="{}%" x2="{}%" y1="9" y2="9"/>'
                '<svg x="{}%" y="9" overflow="visible">{}</svg></g>'
            ).format(
                f"{row.label}: {per_cent(value, 1)} ({percentage(row.ours.low, 1)} to {percentage(row.ours.high, 1)})",
                _percent(row.ours.low), _percent(row.ours.high), _percent(value), mark("candidate"),
            )
        )  # fmt: skip
        if row.paper is not None:
            parts.append(
                Markup('<g class="anchor"><title>{}</title><svg x="{}%" y="20" overflow="visible">{}</svg></g>').format(
                    f"{row.label}, paper: {per_cent(row.paper, 1)}", _percent(row.paper), mark("anchor")
                )
            )
        lines.append(_line(row.label, 28, parts))
    ticks = [Markup('<span style="left:{0}%">{0}</span>').format(tick) for tick in range(0, 101, 25)]
    return _plot(lines, ticks, title, "%")


def change_plot(rows: Sequence[tuple[str, Difference]], title: str) -> Markup:
    """Differences from the baseline in percentage points around 0, with intervals."""
    if not rows:
        return Markup("")
    reach = 100 * max(max(abs(change.low), abs(change.high)) for _, change in rows)
    limit = max(5, 5 * int(-(-reach // 5)))

    def x(share: float) -> str:
        return f"{50 + 50 * 100 * share / limit:.2f}"

    lines = []
    for label, change in rows:
        said = f"{label}: {points(change.value)} points ({points(change.low)} to {points(change.high)})"
        parts = [
            Markup('<line class="zero-line" x1="50%" x2="50%" y1="0" y2="24"/>'),
            Markup(
                '<g class="candidate"><title>{}</title><line x1="{}%" x2="{}%" y1="12" y2="12"/>'
                '<svg x="{}%" y="12" overflow="visible">{}</svg></g>'
            ).format(said, x(change.low), x(change.high), x(change.value), mark("candidate")),
        ]
        lines.append(_line(label, 24, parts))
    ticks = [
        Markup('<span style="left:{}%">{}</span>').format(place, f"{limit * (place - 50) / 50:+g}")
        for place in range(0, 101, 25)
    ]
    return _plot(lines, ticks, title, "points")


def class_heat_table(columns: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]], caption: str) -> Markup:
    """Shares as a table, darker where larger; one row a class, one column a strategy."""
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(name) for name in columns)
    body = Markup("").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            label,
            Markup("").join(Markup('<td style="{}">{}</td>').format(swatch(v), percentage(v)) for v in values),
        )
        for label, values in rows
    )
    return Markup(
        '<div class="scroll" tabindex="0"><table><caption>{}</caption><thead><tr><td></td>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>"
    ).format(caption, head, body)


def _line(label: str, height: int, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<div class="plot-label">{}</div><div class="plot-track"><svg width="100%" height="{}" aria-hidden="true">{}'
        "</svg></div>"
    ).format(label, height, Markup("").join(parts))


def _plot(lines: Sequence[Markup], ticks: Sequence[Markup], title: str, unit: str) -> Markup:
    return Markup(
        '<div class="interval-plot" role="img" aria-label="{}">{}<div class="plot-label">{}</div>'
        '<div class="plot-axis">{}</div></div>'
    ).format(title, Markup("").join(lines), unit, Markup("").join(ticks))


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"
