"""One cell of the paper's experiment."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dermai.cli.options import AsJson, Profile, Settings, read_parameters


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command()(compare)


def compare(
    strategy: Annotated[str, typer.Option(help="Letter or name under compare.strategies in params.yaml.")],
    architecture: Annotated[str, typer.Option(help="A timm name; empty: compare.architecture.")] = "",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the training.")] = 1,
    profile: Profile = "",
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Train and test one architecture by one strategy; a finished cell is found and costs seconds.

    The full grid with its tables and plots: `zenml pipeline run compare_strategies`.

    Example: `dermai compare --strategy b --architecture efficientnet_b3 --seed 2`
    """
    from dermai.data.cases import read_cases
    from dermai.evaluation.tables import percent
    from dermai.strategies.cells import Cell
    from dermai.strategies.experiment import run_one
    from dermai.strategies.identity import stages_without_effect, why_without_effect
    from dermai.strategies.scores import outcomes
    from dermai.strategies.tables import class_table
    from dermai.workspace import find_workspace

    workspace = find_workspace()
    params = read_parameters(workspace, profile, settings)
    cell = Cell(architecture=architecture or params.compare.architecture, strategy=strategy, seed=seed)
    result = run_one(workspace, cell, read_cases(workspace.cases_file), params)
    outcome = outcomes([result], params)[0]
    names = outcome.scores.names
    if as_json:
        numbers = {name: outcome.scores.estimate(name).model_dump() for name in names}
        print(json.dumps({**result.summary, "metrics": numbers}, indent=2, ensure_ascii=False))
        return
    chain = " → ".join([result.summary["start"], *(stage["name"] for stage in result.summary["stages"])])
    print(f"{cell.name}: {chain}, {result.summary['seconds']:.0f} s")
    if why := why_without_effect(stages_without_effect(result.summary)):
        print(f"note: {why}; the result is that of a chain without it")
    for name in ("accuracy", "weighted_f1", "macro_f1"):
        estimate = outcome.scores.estimate(name)
        print(f"{name}: {percent(estimate)} %")
    print(class_table(outcome).markdown())
