"""Which cells the experiment consists of, and what cannot be run on this dataset."""

from __future__ import annotations

import pandas as pd
from pydantic import BaseModel, ConfigDict

from dermai.config import Params
from dermai.data.cases import case_problems, trainable
from dermai.data.folds import training_roles
from dermai.errors import InvalidCases
from dermai.strategies.cells import Cell
from dermai.strategies.rule_of_thumb import CategoryVerdict, Embed, judge_categories
from dermai.strategies.stages import UnknownSource, plan_stages


class Grid(BaseModel):
    """The cells in the order they run, the rule of thumb's verdicts, and notes on what is left out."""

    model_config = ConfigDict(frozen=True)

    cells: tuple[Cell, ...]
    verdicts: tuple[CategoryVerdict, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def merged(self) -> dict[str, list[str]]:
        """What the rule of thumb merges: source -> categories."""
        found: dict[str, list[str]] = {verdict.source: [] for verdict in self.verdicts}
        for verdict in self.verdicts:
            if verdict.merge:
                found[verdict.source].append(verdict.category)
        return found


def plan_grid(cases: pd.DataFrame, params: Params, embed: Embed) -> Grid:
    """Each architecture by the baseline strategy, and each strategy on one architecture, with every seed.

    All cells of a seed come before the next seed's, so that an interrupted grid has every row. A strategy that needs
    a source which is not there is left out with a note.

    Raises:
        InvalidCases: the case table breaks its contract, or the target has no test cases.
        UnknownSource: the target is not in the dataset, or the baseline strategy cannot be run.
        UnknownBackbone: timm knows no such architecture.
    """
    import timm

    from dermai.models.backbones import UnknownBackbone

    compare = params.compare
    if problems := case_problems(cases):
        raise InvalidCases(f"cases.csv: {'; '.join(problems[:5])}")
    architectures = tuple(dict.fromkeys((compare.architecture, *compare.architectures)))
    for name in architectures:
        if not timm.is_model(name):
            raise UnknownBackbone(f"compare.architectures: timm has no network {name!r}")
    rows = trainable(cases)
    plan_stages(compare.strategies[compare.baseline], cases, compare.target)
    if rows[(rows["split"] == "test") & (rows["source"] == compare.target)].empty:
        raise InvalidCases(f"compare.target is {compare.target}, which has no test photographs: import more patients")

    others = [
        name for name in dict.fromkeys(rows.loc[training_roles(rows) == "train", "source"]) if name != compare.target
    ]
    strategies, notes = [], []
    for key, strategy in compare.strategies.items():
        try:
            if strategy.automatic and not others:
                raise UnknownSource("there is no other source to merge or chain")
            if not strategy.automatic:
                plan_stages(strategy, cases, compare.target)
            strategies.append(key)
        except UnknownSource as error:
            notes.append(f"{key}) {strategy.title} is left out: {error}")
    automatic = any(compare.strategies[key].automatic for key in strategies)
    pairs = [(compare.architecture, key) for key in strategies] + [(name, compare.baseline) for name in architectures]
    return Grid(
        cells=tuple(
            Cell(architecture=architecture, strategy=key, seed=seed)
            for seed in compare.seeds
            for architecture, key in dict.fromkeys(pairs)
        ),
        verdicts=tuple(judge_categories(cases, others, compare, embed)) if automatic else (),
        notes=tuple(notes),
    )
