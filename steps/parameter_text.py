"""Text parameters of pipelines, however a run's configuration writes them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BeforeValidator


def as_text(value: object) -> object:
    """YAML makes a day of `2026-03-29` and a number of `2026` where no quotes stand around them: their text again.

    >>> as_text(date(2026, 3, 29)), as_text(2026), as_text("referrals")
    ('2026-03-29', '2026', 'referrals')
    """
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(as_text)]
