"""Plots as inline SVG and HTML: no script, no outside request, sharp on paper and on a phone.

Their titles and labels are given in the language that is spoken; the numbers follow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from dermai.evaluation.metrics import CalibrationBin, Rate
from dermai.evaluation.words import NO_CASES, rate_words
from dermai.language.formats import localised
from dermai.language.messages import message
from dermai.language.translation import in_language
from dermai.percentages import per_cent
from dermai.percentages import points as signed_points

# Distinguished by shape as well as by colour.
SHAPES = {"candidate": "circle", "champion": "square", "anchor": "diamond"}
ROLES = {"candidate": message("candidate"), "champion": message("champion"), "anchor": message("anchor")}
WIDTH, HEIGHT = 360, 230  # of the plots with two axes, in CSS pixels at their natural size
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 40


class Row(NamedTuple):
    """One line of an interval plot: a label, a rate a role, and the floor it must keep, where there is one."""

    label: str
    rates: dict[str, Rate]
    floor: float | None = None


def interval_plot(rows: Sequence[Row], title: str) -> Markup:
    """Dots with intervals on a common scale from 0 to 100 %, one line a class and one mark a model.

    Horizontal places are percentages of the width, so the text keeps its size on a narrow screen.
    """
    body = Markup("").join(
        Markup('<div class="plot-label">{}</div><div class="plot-track">{}</div>').format(row.label, _track(row))
        for row in rows
    )
    ticks = Markup("").join(Markup('<span class="at-{}">{}</span>').format(tick, tick) for tick in range(0, 101, 25))
    return Markup(
        '<div class="interval-plot" role="img" aria-label="{}">{}<div class="plot-label">%</div>'
        '<div class="plot-axis">{}</div></div>'
    ).format(title, body, ticks)


def _track(row: Row) -> Markup:
    gap, margin = 13, 12
    height = 2 * margin + gap * (max(len(row.rates), 1) - 1)
    parts = [
        Markup('<line class="grid" x1="{0}%" x2="{0}%" y1="0" y2="{1}"/>').format(tick, height)
        for tick in range(0, 101, 25)
    ]
    if row.floor is not None:
        parts.append(
            Markup('<line class="floor" x1="{0}%" x2="{0}%" y1="0" y2="{1}"><title>{2}</title></line>').format(
                _percent(row.floor), height, in_language(message("floor %(share)s", share=per_cent(row.floor)))
            )
        )
    for number, (role, rate) in enumerate(row.rates.items()):
        y = margin + gap * number
        label = f"{row.label}, {in_language(ROLES[role])}: {in_language(rate_words(rate))}"
        if rate.value is None:
            parts.append(Markup('<text class="none" x="1%" y="{}">{}</text>').format(y + 4, in_language(NO_CASES)))
            continue
        parts.append(
            Markup(
                '<g class="{role}"><title>{label}</title>'
                '<line x1="{low}%" x2="{high}%" y1="{y}" y2="{y}"/>'
                '<svg x="{value}%" y="{y}" overflow="visible">{mark}</svg></g>'
            ).format(
                role=role,
                label=label,
                low=_percent(rate.low),
                high=_percent(rate.high),
                value=_percent(rate.value),
                y=y,
                mark=mark(role),
            )
        )
    return Markup('<svg width="100%" height="{}" aria-hidden="true">{}</svg>').format(height, Markup("").join(parts))


def mark(role: str, x: float = 0, y: float = 0) -> Markup:
    """The sign of a model's role, about 9 px wide, centred."""
    shapes = {
        "circle": '<circle class="mark" cx="{x}" cy="{y}" r="5"/>',
        "square": '<rect class="mark" x="{left}" y="{top}" width="9" height="9"/>',
        "diamond": '<rect class="mark" x="{left}" y="{top}" width="8" height="8" transform="rotate(45 {x} {y})"/>',
    }
    half = 4 if SHAPES[role] == "diamond" else 4.5
    return Markup(shapes[SHAPES[role]]).format(x=_short(x), y=_short(y), left=_short(x - half), top=_short(y - half))


class Difference(NamedTuple):
    """One line of a difference plot, in shares: candidate less reference, its interval, what must not be lost.

    The test must rule out a loss of the `margin`; the difference may not lie below the `allowed_drop`; None: not asked.
    """

    label: str
    difference: float
    low: float
    high: float
    margin: float | None
    allowed_drop: float | None = None


def difference_plot(rows: Sequence[Difference], title: str) -> Markup:
    """Differences in percentage points around 0, with the loss to be ruled out and the drop allowed."""
    reach = max(max(abs(row.low), abs(row.high), row.margin or 0, row.allowed_drop or 0) for row in rows)
    limit = min(max(10, 10 * -(-reach * 100 // 10)), 100)

    def x(share: float) -> str:
        return f"{50 + 50 * 100 * share / limit:.2f}"

    lines = []
    for row in rows:
        limits = Markup("").join(
            Markup('<line class="{0}" x1="{1}%" x2="{1}%" y1="0" y2="26"/>').format(name, x(-limit_share))
            for name, limit_share in (("floor", row.margin), ("allowed", row.allowed_drop))
            if limit_share is not None
        )
        bounds = f"{signed_points(row.low)} to {signed_points(row.high)}"
        label = f"{row.label}: {signed_points(row.difference)} points ({bounds})"
        track = Markup(
            '<svg width="100%" height="26" aria-hidden="true">'
            '<line class="zero-line" x1="50%" x2="50%" y1="0" y2="26"/>'
            "{limits}"
            '<g class="candidate"><title>{label}</title><line x1="{low}%" x2="{high}%" y1="13" y2="13"/>'
            '<svg x="{value}%" y="13" overflow="visible">{mark}</svg></g></svg>'
        ).format(
            limits=limits, label=label, low=x(row.low), high=x(row.high), value=x(row.difference),
            mark=mark("candidate"),
        )  # fmt: skip
        lines.append(
            Markup('<div class="plot-label">{}</div><div class="plot-track">{}</div>').format(row.label, track)
        )
    ticks = [
        Markup('<span class="at-{}">{}</span>').format(
            place, f"{limit * (place - 50) / 50:+.0f}" if place != 50 else "0"
        )
        for place in range(0, 101, 25)
    ]
    entries = []
    if any(row.margin is not None for row in rows):
        entries.append(Markup('<span class="entry floor-entry">loss that the test must rule out</span>'))
    if any(row.allowed_drop is not None for row in rows):
        entries.append(Markup('<span class="entry allowed-entry">largest drop of the estimate</span>'))
    return Markup(
        '<p class="legend">{}</p>'
        '<div class="interval-plot" role="img" aria-label="{}">{}<div class="plot-label">points</div>'
        '<div class="plot-axis">{}</div></div>'
    ).format(Markup("").join(entries), title, Markup("").join(lines), Markup("").join(ticks))


def legend(roles: Sequence[tuple[str, str]], floor: str = "") -> Markup:
    """Signs and names of the models in a plot, and the name of its dashed red line, if there is one."""
    entries = (
        Markup(
            '<span class="entry"><svg width="16" height="12" aria-hidden="true"><g class="{}">{}</g></svg>{}</span>'
        ).format(role, mark(role, 8, 6), name)
        for role, name in roles
    )
    line = Markup('<span class="entry floor-entry">{}</span>').format(floor) if floor else ""
    return Markup('<p class="legend">{}{}</p>').format(Markup("").join(entries), line)


def line_plot(series: Sequence[tuple[str, str, Sequence[float | None]]], title: str, x_label: str) -> Markup:
    """Lines over epochs 1, 2, ...: `series` holds (css class, name, values); a missing value interrupts the line."""
    values = [value for _, _, points in series for value in points if value is not None]
    if not values:
        return Markup("")
    low, high = min(0.0, *values), max(values) * 1.08 or 1.0
    longest = max(len(points) for _, _, points in series)
    ticks = _round_ticks(low, high)
    high = max(high, ticks[-1])

    def x(index: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (index / (longest - 1) if longest > 1 else 0.5)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (high - low))

    parts = [_y_tick(y(tick), localised(f"{tick:g}")) for tick in ticks]
    step = max(1, -(-longest // 8))
    parts += [_x_tick(x(index), str(index + 1)) for index in range(0, longest, step)]
    for name, label, points in series:
        for piece in _pieces(points):
            path = " ".join(f"{_short(x(index))},{_short(y(value))}" for index, value in piece)
            parts.append(
                Markup('<polyline class="line {}" points="{}"><title>{}</title></polyline>').format(name, path, label)
            )
            if len(piece) == 1:
                index, value = piece[0]
                parts.append(Markup('<circle class="dot {}" cx="{}" cy="{}" r="3"/>').format(name, x(index), y(value)))
    return _axes(parts, title, x_label)


def calibration_plot(models: Sequence[tuple[str, Sequence[CalibrationBin]]], title: str) -> Markup:
    """How often a model is right against how sure it is; a perfectly calibrated one lies on the diagonal."""

    def x(share: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * share

    def y(share: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share)

    parts = [_y_tick(y(tick / 100), str(tick)) for tick in range(0, 101, 25)]
    parts += [_x_tick(x(tick / 100), str(tick)) for tick in range(0, 101, 25)]
    parts.append(Markup('<line class="diagonal" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(x(0), y(0), x(1), y(1)))
    for role, bins in models:
        for bin_ in bins:
            if bin_.accuracy.value is None:
                continue
            at = _short(x(bin_.confidence))
            parts.append(
                Markup('<g class="{}"><title>{}</title><line x1="{x}" x2="{x}" y1="{}" y2="{}"/>{}</g>').format(
                    role,
                    f"{role}: sure {per_cent(bin_.confidence)}, right {rate_words(bin_.accuracy)}",
                    _short(y(bin_.accuracy.low)),
                    _short(y(bin_.accuracy.high)),
                    mark(role, x(bin_.confidence), y(bin_.accuracy.value)),
                    x=at,
                )
            )
    return _axes(parts, title, "how sure the model is, %")


def _axes(parts: Sequence[Markup], title: str, x_label: str) -> Markup:
    return Markup(
        '<svg class="plot" viewBox="0 0 {w} {h}" role="img" aria-label="{title}"><title>{title}</title>'
        '{parts}<text class="axis-name" x="{middle}" y="{bottom}" text-anchor="middle">{x_label}</text></svg>'
    ).format(
        w=WIDTH,
        h=HEIGHT,
        title=title,
        parts=Markup("").join(parts),
        middle=(LEFT + WIDTH - RIGHT) / 2,
        bottom=HEIGHT - 6,
        x_label=x_label,
    )


def _x_tick(x: float, label: str) -> Markup:
    return Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>').format(
        _short(x), HEIGHT - BOTTOM + 16, label
    )


def _y_tick(y: float, label: str) -> Markup:
    return Markup(
        '<line class="grid" x1="{}" x2="{}" y1="{y}" y2="{y}"/>'
        '<text class="tick" x="{}" y="{}" text-anchor="end">{}</text>'
    ).format(LEFT, WIDTH - RIGHT, LEFT - 6, _short(y + 4), label, y=_short(y))


def _round_ticks(low: float, high: float) -> list[float]:
    """Four to seven round values from low to about high."""
    from math import floor, log10

    raw = (high - low) / 4
    magnitude = 10.0 ** floor(log10(raw))
    step = next(magnitude * factor for factor in (1, 2, 2.5, 5, 10) if magnitude * factor >= raw)
    first = floor(low / step)
    return [round((first + number) * step, 10) for number in range(8) if (first + number) * step <= high + step / 2]


def _pieces(points: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    pieces: list[list[tuple[int, float]]] = [[]]
    for index, value in enumerate(points):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((index, value))
    return [piece for piece in pieces if piece]


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"


def _short(number: float) -> str:
    return f"{number:.1f}"


def swatch(share: float) -> Markup:
    """A cell's background in a confusion matrix: darker where more of the class's cases lie. Text stays readable."""
    return Markup("background:rgba(11,87,164,{})").format(escape(f"{0.08 + 0.47 * share:.2f}" if share else "0"))
