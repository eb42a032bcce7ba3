"""The grid in a workspace: its cells, what is found again, and the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from dermai.config import CompareParams
from dermai.report.comparison_report import publish_comparison
from dermai.strategies.cells import Cell, CellResult, cell_params
from dermai.strategies.experiment import plan_experiment, run_grid, run_one
from dermai.strategies.grid import Grid
from dermai.strategies.identity import identity_notes, is_identical, stages_without_effect
from dermai.strategies.paper import CLASSES, PER_CLASS
from dermai.strategies.scores import CellScores, outcomes
from dermai.strategies.tables import class_table, difference_table
from dermai.taxonomy import load_taxonomy
from dermai.workspace import Workspace
from tests.strategies.three_sources import comparison_params, three_sources

Experiment = tuple[Workspace, pd.DataFrame, Grid, list[CellResult]]


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    workspace = Workspace(tmp_path_factory.mktemp("experiment"))
    cases, params = three_sources(workspace.data), comparison_params()
    grid = plan_experiment(workspace, cases, params)
    return workspace, cases, grid, run_grid(workspace, grid, cases, params)


def test_the_grid_has_each_seed_in_turn_and_leaves_out_what_it_cannot_run(experiment: Experiment) -> None:
    grid = experiment[2]
    assert [(cell.strategy, cell.seed) for cell in grid.cells] == [
        (strategy, seed) for seed in (1, 2) for strategy in ("a", "x", "b", "auto")
    ]
    assert len(grid.notes) == 1
    assert "h) Chained from HAM10000 is left out" in grid.notes[0]
    assert {verdict.source for verdict in grid.verdicts} == {"edra", "dermofit"}


def test_each_cell_is_tested_on_the_targets_test_photographs(experiment: Experiment) -> None:
    for result in experiment[3]:
        assert len(result.predictions) == 11
        assert set(result.predictions["source"]) == {"dermai"}
        assert set(result.predictions["predicted"]) <= {"Nev", "BCC", "MM"}  # a new head at each stage
        assert result.summary["start"] == "random weights"
    chained = next(result for result in experiment[3] if result.cell.strategy == "b")
    assert [stage["name"] for stage in chained.summary["stages"]] == ["edra", "dermai"]


def test_a_finished_cell_is_found_again_and_another_seed_is_trained(experiment: Experiment) -> None:
    workspace, cases, _, results = experiment
    cell = Cell(architecture="mobilenetv3_small_050", strategy="b", seed=1)
    again = run_one(workspace, cell, cases, comparison_params())
    known = next(result for result in results if result.cell == cell)
    assert again.summary == known.summary
    assert not again.predictions.equals(
        next(r for r in results if r.cell.strategy == "b" and r.cell.seed == 2).predictions
    )
    assert cell.command == "dermai compare --architecture mobilenetv3_small_050 --strategy b --seed 1"


def test_the_page_and_its_tables_say_everything_with_intervals(experiment: Experiment) -> None:
    workspace, _, grid, results = experiment
    params = comparison_params()
    page = publish_comparison(workspace, params, "run-1", grid, results, "1234.dir")
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "h) Chained from HAM10000 is left out" in text
    assert "dermai compare --architecture mobilenetv3_small_050 --strategy auto --seed 2" in text
    assert (page.parent.parent / "latest").resolve() == page.parent
    tables = (page.parent / "tables.md").read_text(encoding="utf-8")
    for heading in ("Choosing a network architecture", "Training strategies", "b) Chained", "Merge or chain"):
        assert f"### {heading}" in tables
    plotted = pd.read_csv(workspace.root / "metrics" / "compare" / "strategies.csv")
    assert set(plotted["strategy"]) == {"a) Alone", "x) Merged", "b) Chained", "auto) By appearance"}
    assert class_table(outcomes(results, params)[0]).rows[-1][3] == "20.00"  # the paper's sensitivity for MM, a)


class TestAChainThatChangedNothing:
    @pytest.fixture(scope="class")
    def scored(self, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CellScores]:
        """With rates so small no epoch is better: each stage keeps the layers that it started from."""
        import timm
        import torch
        from safetensors.torch import save_file

        torch.manual_seed(0)  # whichever tests ran before
        workspace, weights = Workspace(tmp_path_factory.mktemp("nothing")), tmp_path_factory.mktemp("weights")
        name = "mobilenetv3_small_050"
        save_file(timm.create_model(name).state_dict(), weights / f"{name}.safetensors")
        params = comparison_params(seeds=[1], strategies={
            "a": {"title": "Alone"},
            "x": {"title": "Merged", "chain": ["target+others"]},
            "b": {"title": "Chained", "chain": ["edra", "target"]},
        })  # fmt: skip
        still = params.training.model_copy(update={"head_learning_rate": 1e-30, "backbone_learning_rate": 1e-30})
        model = params.model.model_copy(update={"weights_folder": str(weights)})
        params = params.model_copy(update={"training": still, "model": model})
        cases = three_sources(workspace.data)
        cells = [Cell(architecture=name, strategy=key, seed=1) for key in ("a", "x", "b")]
        results = [run_one(workspace, cell, cases, params) for cell in cells]
        return {row.strategy: row for row in outcomes(results, params)}

    def test_it_is_said_to_be_identical_and_not_measured(self, scored: dict[str, CellScores]) -> None:
        alone, merged, chained = scored.values()
        assert stages_without_effect(chained.summaries[0]) == ["edra"]
        assert is_identical(chained, alone)
        assert not is_identical(merged, alone)
        rows = {row[0]: row[1:] for row in difference_table([alone, merged, chained], alone).rows}
        assert rows["b) Chained"] == ("identical", "–") * 4
        assert "identical" not in rows["x) Merged"]
        (note,) = identity_notes([alone, merged, chained], alone)
        assert note.startswith("b) Chained is identical to a) Alone (no epoch of the stage edra was better")
        assert "there is no difference to measure" in note

    def test_one_seed_that_repeats_the_baseline_is_named(self, scored: dict[str, CellScores]) -> None:
        alone = replace(scored["a"], answers={1: "x", 2: "y"})
        mixed = replace(scored["b"], answers={1: "x", 2: "z"})
        assert not is_identical(mixed, alone)
        assert "with seed 1 is identical" in identity_notes([alone, mixed], alone)[0]


def test_weights_that_cannot_be_had_are_said_to_be_random_and_nothing_is_frozen(tmp_path: Path) -> None:
    params = comparison_params(strategies={"a": {"title": "Alone"}})
    folder = params.model.model_copy(update={"weights_folder": str(tmp_path)})
    params = params.model_copy(update={"model": folder})
    used, missing = cell_params(Cell(architecture="resnet50", strategy="a", seed=3), params)
    assert missing
    assert (used.model.pretrained, used.model.frozen_share, used.seed) == ("none", 0.0, 3)
    assert (params.training.learner, used.training.learner) == ("linear_heads", "network")


def test_the_papers_numbers_are_in_the_taxonomys_order_and_complete() -> None:
    assert load_taxonomy().codes == CLASSES
    assert all(len(rows) == len(CLASSES) for rows in PER_CLASS.values())


def test_the_baseline_must_be_a_strategy() -> None:
    with pytest.raises(ValueError, match="baseline 'z' is none of the strategies"):
        CompareParams(baseline="z")
