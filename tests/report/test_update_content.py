from __future__ import annotations

from pathlib import Path

import pandas as pd

from dermai.continual.plan import UpdatePlan
from dermai.evaluation.predictions import per_lesion, prediction_table
from dermai.report.update_content import data_summary, find_mistakes
from tests.report.example_update import CLASSES, POINTS, draw_dataset, draw_probabilities


def test_changes_are_counted_by_class_and_site_and_add_up(tmp_path: Path) -> None:
    cases = draw_dataset(tmp_path)
    train = cases[cases["split"] == "train"]
    gone = train.iloc[:2].assign(image=["e" * 64, "f" * 64])
    plan = UpdatePlan(mode="update", new=tuple(train["image"][:30]), removed=tuple(gone["image"]))
    found = data_summary(cases, plan, pd.concat([train, gone]), "new", "old")
    assert (found.total.new, found.total.removed) == (30, 2)
    assert found.total.train + found.total.validation + found.total.test == len(cases)
    assert found.by_class["MM"].test == ((cases["diagnosis"] == "MM") & (cases["split"] == "test")).sum()
    assert sum(row.train for row in found.by_site.values()) == len(train)
    assert list(found.by_class) == [code for code in CLASSES if code in found.by_class]
    assert found.patients["test"] == cases.loc[cases["split"] == "test", "patient_id"].nunique()


def test_photographs_without_a_place_in_the_taxonomy_are_counted_apart(tmp_path: Path) -> None:
    cases = draw_dataset(tmp_path, patients=40)
    cases.loc[:4, "diagnosis"] = ""
    found = data_summary(cases, UpdatePlan(mode="nothing"), None, "new")
    assert found.no_place == 5
    assert found.total.train + found.total.validation + found.total.test == len(cases) - 5


def test_an_empty_dataset_has_an_empty_summary(tmp_path: Path) -> None:
    cases = draw_dataset(tmp_path, patients=3).iloc[:0]
    found = data_summary(cases, UpdatePlan(mode="nothing"), None, "new")
    assert found.rows == ()
    assert found.total.new == 0


def test_mistakes_of_gated_classes_come_newly_missed_first(tmp_path: Path) -> None:
    cases = draw_dataset(tmp_path)
    test = cases[cases["split"] == "test"]
    tables = {
        role: per_lesion(prediction_table(test, draw_probabilities(test, seed, 2.0, CLASSES), CLASSES, POINTS), POINTS)
        for role, seed in (("candidate", 1), ("champion", 2))
    }
    found, left_out = find_mistakes(tables, ("MM", "BCC"), tmp_path, limit=200)
    kinds = [mistake.kind for mistake in found]
    assert kinds == sorted(kinds, key=["newly missed", "missed by both", "newly found"].index)
    assert left_out == 0
    candidate, champion = (table.set_index("lesion_id") for table in tables.values())
    gated = candidate["diagnosis"].isin(["MM", "BCC"])
    wrong = (candidate["predicted"] != candidate["diagnosis"]) | (champion["predicted"] != champion["diagnosis"])
    assert len(found) == (gated & wrong).sum() > 3
    for mistake in found:
        right = {answer.role: answer.right for answer in mistake.answers}
        assert (
            mistake.kind
            == {
                (False, True): "newly missed",
                (False, False): "missed by both",
                (True, False): "newly found",
            }[right["candidate"], right["champion"]]
        )
    fewer, rest = find_mistakes(tables, ("MM", "BCC"), tmp_path, limit=2)
    assert (fewer, rest) == (found[:2], len(found) - 2)


def test_without_a_champion_only_what_the_candidate_missed_is_a_mistake(tmp_path: Path) -> None:
    cases = draw_dataset(tmp_path)
    test = cases[cases["split"] == "test"]
    table = per_lesion(prediction_table(test, draw_probabilities(test, 1, 2.0, CLASSES), CLASSES, POINTS), POINTS)
    found, _ = find_mistakes({"candidate": table}, ("MM",), tmp_path)
    assert {mistake.kind for mistake in found} == {"missed"}
