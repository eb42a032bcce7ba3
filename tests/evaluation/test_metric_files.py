from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from dermai.evaluation.metric_files import FILES, write_metrics, write_missing_metrics
from dermai.evaluation.metrics import evaluate
from dermai.evaluation.predictions import prediction_table
from tests.evaluation.synthetic import CLASSES, draw_cases, draw_probabilities


def test_the_files_hold_what_was_evaluated_and_are_the_same_twice(tmp_path: Path) -> None:
    cases = draw_cases(60, seed=1)
    tables = {
        role: prediction_table(cases, draw_probabilities(cases, seed), CLASSES)
        for role, seed in (("candidate", 2), ("champion", 3))
    }
    evaluations = {role: evaluate(table, CLASSES) for role, table in tables.items()}
    for name in ("first", "second"):
        write_metrics(tmp_path / name, evaluations, tables["candidate"])
    files = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*") if path.is_file())
    assert [str(file) for file in files] == [
        "metrics.json",
        "plots/calibration.csv",
        "plots/confusion.csv",
        "plots/sensitivity.csv",
    ]
    assert all((tmp_path / "first" / f).read_bytes() == (tmp_path / "second" / f).read_bytes() for f in files)

    numbers = json.loads((tmp_path / "first" / "metrics.json").read_text())
    assert set(numbers) == {"candidate", "champion"}
    assert all(isinstance(value, int | float) for value in numbers["candidate"].values())
    melanoma = evaluations["candidate"].of_class("MM")
    assert melanoma is not None
    assert numbers["candidate"]["sensitivity_MM"] == round(melanoma.sensitivity.value or 0, 6)
    confusion = pd.read_csv(tmp_path / "first" / "plots" / "confusion.csv")
    assert confusion.columns.tolist() == ["actual", "predicted"]
    assert (confusion["actual"] == confusion["predicted"]).sum() == evaluations["candidate"].accuracy.count
    sensitivity = pd.read_csv(tmp_path / "first" / "plots" / "sensitivity.csv")
    assert len(sensitivity) == 2 * len(CLASSES)
    assert (sensitivity["low"] <= sensitivity["high"]).all()


def test_numbers_that_are_unknown_are_left_out(tmp_path: Path) -> None:
    cases = draw_cases(30, seed=4)
    table = prediction_table(cases, draw_probabilities(cases, 5), CLASSES)
    table = table[table["diagnosis"] != "MM"]
    write_metrics(tmp_path, {"candidate": evaluate(table, CLASSES)}, table)
    numbers = json.loads((tmp_path / "metrics.json").read_text())["candidate"]
    assert "sensitivity_MM" not in numbers
    assert "specificity_MM" in numbers


def test_a_run_that_evaluated_nothing_leaves_the_files_of_the_last_one_or_files_without_numbers(tmp_path: Path) -> None:
    cases = draw_cases(30, seed=4)
    table = prediction_table(cases, draw_probabilities(cases, 5), CLASSES)
    for name in ("earlier", "kept"):
        write_metrics(tmp_path / name, {"candidate": evaluate(table, CLASSES)}, table)
    (tmp_path / "kept" / "metrics.json").write_text("{}")
    write_missing_metrics(tmp_path / "kept", tmp_path / "earlier")
    assert (tmp_path / "kept" / "metrics.json").read_text() == "{}"
    write_missing_metrics(tmp_path / "again", tmp_path / "earlier")
    assert all((tmp_path / "again" / name).read_bytes() == (tmp_path / "earlier" / name).read_bytes() for name in FILES)
    write_missing_metrics(tmp_path / "first", None)
    assert json.loads((tmp_path / "first" / "metrics.json").read_text()) == {}
    assert all((tmp_path / "first" / name).read_text() for name in FILES)
