"""Jinja2 templates to self-contained pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment


def render_page(template: str, **content: Any) -> str:
    """A template of `dermai/report/templates` with every value escaped and unknown names refused."""
    return environment().get_template(template).render(**content)


@cache
def environment() -> Environment:
    """The templates of the reports."""
    from jinja2 import PackageLoader

    return environment_with(PackageLoader("dermai.report", "templates"))


def environment_with(loader: BaseLoader) -> Environment:
    """Templates, with the words and figures that pages use."""
    from jinja2 import Environment, StrictUndefined

    from dermai import __version__, percentages
    from dermai.evaluation import words
    from dermai.gate import marks
    from dermai.gate.explain import asked_of
    from dermai.report import figures
    from dermai.report.wording import add_wording, in_numbers, rate_words
    from dermai.taxonomy import load_taxonomy

    found = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    numbers: dict[str, Callable[..., str]] = {
        "per_cent": percentages.per_cent,
        "percentage": percentages.percentage,
        "interval": words.interval_words,
        "points": percentages.points,
        "p_value": words.p_words,
        "duration": words.duration_words,
    }
    found.filters |= {name: in_numbers(filter_) for name, filter_ in numbers.items()} | {
        "rate": rate_words,
        "allowance": percentages.allowance,
        "asked_of": asked_of,
        "verdict": marks.verdict_words,
        "test_set": words.test_set_words,
        "recorded": datetime.fromisoformat,
        "count_of": words.count_words,
    }
    add_wording(found)
    found.globals |= {"figures": figures, "marks": marks, "taxonomy": load_taxonomy(), "version": __version__}
    return found
