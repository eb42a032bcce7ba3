"""What a training strategy learns from, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from dermai.config import StrategyParams
from dermai.data.cases import trainable
from dermai.data.folds import training_roles
from dermai.errors import DermaiError

TARGET, OTHERS = "target", "others"


class UnknownSource(DermaiError):
    """A chain names a source that the dataset does not hold."""


@dataclass(frozen=True)
class Stage:
    """One training of a chain: its name, such as `edra` or `dermai+edra`, and its training and validation cases."""

    name: str
    cases: pd.DataFrame


def plan_stages(
    strategy: StrategyParams, cases: pd.DataFrame, target: str, merged: Mapping[str, Sequence[str]] | None = None
) -> list[Stage]:
    """The stages of a strategy. The last one trains for the target, and is validated on its patients alone.

    Where sources are merged with the target, only the categories that the target has too are taken from them. `merged`
    is what the rule of thumb decided for an automatic strategy: source -> categories to merge; everything else of that
    source is a stage before, if it has two categories or more.

    Raises:
        UnknownSource: a source of the chain, or the target itself, has no training cases with a diagnosis.
    """
    rows = trainable(cases)
    rows = rows[rows["split"] != "test"]
    present = list(dict.fromkeys(rows.loc[training_roles(rows) == "train", "source"]))
    if target not in present:
        raise UnknownSource(
            f"compare.target is {target}, which has no training cases: the dataset holds {', '.join(present) or 'none'}"
        )
    if merged is not None:
        return _automatic_stages(rows, target, merged)
    stages = []
    for step in strategy.chain:
        sources = resolve_step(step, present, target)
        if missing := [source for source in sources if source not in present]:
            raise UnknownSource(f"{step!r}: the dataset holds no training cases of {', '.join(missing)}")
        stages.append(Stage("+".join(sources), _merge(rows, sources, target)))
    return stages


def resolve_step(step: str, present: Sequence[str], target: str) -> list[str]:
    """The sources that a step such as `edra`, `target` or `target+others` names.

    >>> resolve_step("target+others", ["edra", "dermai", "dermofit"], "dermai")
    ['dermai', 'edra', 'dermofit']
    """
    sources: list[str] = []
    for name in step.split("+"):
        others = [source for source in present if source != target]
        sources += {TARGET: [target], OTHERS: others}.get(name, [name])
    return list(dict.fromkeys(sources))


def shared_categories(cases: pd.DataFrame, source: str, target: str) -> list[str]:
    """Categories that both sources have training cases of."""
    rows = trainable(cases)
    rows = rows[training_roles(rows) == "train"]
    theirs, ours = (set(rows.loc[rows["source"] == name, "diagnosis"]) for name in (source, target))
    return sorted(theirs & ours)


def _merge(rows: pd.DataFrame, sources: Sequence[str], target: str) -> pd.DataFrame:
    """The cases of these sources; with the target among them, the others' training cases of its categories only."""
    found = rows[rows["source"].isin(sources)]
    if target not in sources:
        return found
    ours = found["source"] == target
    categories = set(found.loc[ours & (training_roles(found) == "train"), "diagnosis"])
    return found[ours | ((training_roles(found) == "train") & found["diagnosis"].isin(categories))]


def _automatic_stages(rows: pd.DataFrame, target: str, merged: Mapping[str, Sequence[str]]) -> list[Stage]:
    stages, last = [], [rows[rows["source"] == target]]
    for source, categories in merged.items():
        theirs = rows[rows["source"] == source]
        take = theirs["diagnosis"].isin(categories)
        before = theirs[~take]
        if before.loc[training_roles(before) == "train", "diagnosis"].nunique() >= 2:
            stages.append(Stage(source, before))
        last.append(theirs[take & (training_roles(theirs) == "train")])
    names = [target, *(source for source, categories in merged.items() if categories)]
    return [*stages, Stage("+".join(names), pd.concat(last))]
