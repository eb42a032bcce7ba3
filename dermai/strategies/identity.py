"""Which strategies made the very model of another: then there is no difference to measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dermai.strategies.scores import CellScores


def repeated_seeds(row: CellScores, other: CellScores) -> tuple[int, ...]:
    """The seeds with which both gave the same answers."""
    return tuple(seed for seed, answers in row.answers.items() if other.answers.get(seed) == answers)


def is_identical(row: CellScores, other: CellScores) -> bool:
    """Whether both are the same model with every seed."""
    return set(repeated_seeds(row, other)) == set(row.answers) == set(other.answers)


def stages_without_effect(summary: Mapping[str, Any]) -> list[str]:
    """Stages before the last whose best epoch was none: they hand on the layers that they started from."""
    return [stage["name"] for stage in summary["stages"][:-1] if stage["best_epoch"] == 0]


def why_without_effect(names: Sequence[str]) -> str:
    """In a sentence; empty where every stage had an effect."""
    if not names:
        return ""
    stages = f"stage {names[0]}" if len(names) == 1 else f"stages {' and '.join(names)}"
    return f"no epoch of the {stages} was better on its validation photographs, so that it left the layers as they were"


def identity_notes(found: Sequence[CellScores], baseline: CellScores) -> list[str]:
    """A sentence for each strategy that repeats the baseline with some seed or with all."""
    notes = []
    for row in found:
        seeds = () if row is baseline else repeated_seeds(row, baseline)
        if not seeds:
            continue
        stages = [name for each in row.summaries if each["seed"] in seeds for name in stages_without_effect(each)]
        because = f" ({why})" if (why := why_without_effect(list(dict.fromkeys(stages)))) else ""
        if is_identical(row, baseline):
            notes.append(f"{row.label} is identical to {baseline.label}{because}: there is no difference to measure.")
        else:
            named = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))}"
            notes.append(
                f"{row.label} with {named} is identical to {baseline.label}{because}: only its other seeds say "
                "something of the difference."
            )
    return notes
