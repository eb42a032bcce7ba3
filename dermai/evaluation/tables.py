"""The paper's two tables (HEALTHINFO 2021), with intervals, as Markdown and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from dermai.evaluation.metrics import Estimate, Evaluation, Rate
from dermai.percentages import UNKNOWN, percentage


@dataclass(frozen=True)
class ResultTable:
    """A header and rows of text; the first column names the row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """A Markdown table that ends with a newline."""
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = [self.columns, rule, *self.rows]
        return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)

    def html(self) -> str:
        """An HTML table with column and row headers, every cell escaped."""
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.columns)
        body = "".join(
            f'<tr><th scope="row">{escape(row[0])}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
            + "</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def strategy_table(evaluations: Sequence[tuple[str, Evaluation]], first_column: str = "Experiments") -> ResultTable:
    """One row an architecture or training strategy: average accuracy, weighted F1, macro F1, in percent."""
    return ResultTable(
        (first_column, "Average accuracy", "Weighted F1", "Macro F1"),
        tuple(
            (name, percent(found.accuracy), percent(found.weighted_f1), percent(found.macro_f1))
            for name, found in evaluations
        ),
    )


def class_table(evaluation: Evaluation) -> ResultTable:
    """One row a class: cases, sensitivity, precision, F1, in percent; classes the model does not know are named."""
    return ResultTable(
        ("Classes", "Cases", "Sens.", "Prec.", "F1"),
        tuple(
            (
                f"{number} {row.code}" if row.known else f"{row.code} (unknown to the model)",
                str(row.cases),
                percent(row.sensitivity),
                percent(row.precision),
                percent(row.f1),
            )
            for number, row in enumerate(evaluation.per_class, start=1)
        ),
    )


def percent(number: Rate | Estimate) -> str:
    """`42.71 (38.97–46.51)`, or a dash where there is no value.

    >>> percent(Estimate(value=0.4271, low=0.3897, high=0.4651))
    '42.71 (38.97–46.51)'
    """
    if number.value is None:
        return UNKNOWN
    return f"{percentage(number.value, 2)} ({percentage(number.low, 2)}–{percentage(number.high, 2)})"
