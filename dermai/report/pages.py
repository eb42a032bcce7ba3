"""Jinja2 templates to self-contained pages."""

from __future__ import annotations

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
    from dermai.taxonomy import load_taxonomy

    found = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "per_cent": percentages.per_cent,
        "percentage": percentages.percentage,
        "interval": words.interval_words,
        "rate": words.rate_words,
        "points": percentages.points,
        "allowance": percentages.allowance,
        "asked_of": asked_of,
        "verdict": marks.verdict_words,
        "p_value": words.p_words,
        "duration": words.duration_words,
        "moment": words.moment_words,
        "test_set": words.test_set_words,
        "recorded": datetime.fromisoformat,
        "count_of": words.count_words,
    }
    found.globals |= {"figures": figures, "marks": marks, "taxonomy": load_taxonomy(), "version": __version__}
    return found
