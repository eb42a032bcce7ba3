"""A run's configuration may write a day or a number without quotes."""

from __future__ import annotations

import yaml

from pipelines.triage_cases import triage_cases


def test_a_day_without_quotes_is_the_day() -> None:
    given = yaml.safe_load("{folder: 2026, received_on: 2026-03-29, profile: demo}")
    found = triage_cases._validate_entrypoint_args(**given)
    assert {name: found[name] for name in given} == {"folder": "2026", "received_on": "2026-03-29", "profile": "demo"}
