"""The Data Docs of runs that meet."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from dermai.validation import great_expectations_run
from dermai.validation.data_docs import make_self_contained
from dermai.validation.expectations import Check
from dermai.validation.great_expectations_run import Table, run_checks
from dermai.validation.result import Level


def table(*ages: int) -> Table:
    within = {"column": "age", "max_value": 120}
    check = Check("ages", Level.BLOCKING, "an age", "ExpectColumnValuesToBeBetween", within)
    return Table(pd.DataFrame({"case_id": [f"c{age}" for age in ages], "age": ages}), [check], ("case_id",))


def test_a_run_that_begins_and_ends_within_another_disturbs_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs, inner = tmp_path / "reports" / "validation", []

    def meanwhile(folder: Path) -> None:
        monkeypatch.setattr(great_expectations_run, "make_self_contained", make_self_contained)
        inner.extend(run_checks({"another": table(30, 500)}, docs))
        make_self_contained(folder)

    monkeypatch.setattr(great_expectations_run, "make_self_contained", meanwhile)
    outer = run_checks({"one": table(40, 400, 700)}, docs)
    assert [failure.count for failure in inner] == [1]
    assert [failure.count for failure in outer] == [2]
    pages = "".join(page.read_text() for page in docs.rglob("*.html"))
    assert "c700" in pages
    assert "c500" not in pages
    assert [path.name for path in docs.parent.iterdir() if path.is_dir()] == ["validation"]
