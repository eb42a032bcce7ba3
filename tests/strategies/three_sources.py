"""A small dataset of three sources: the target has three classes, one source shares two, one shares one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from dermai.config import Params
from dermai.data.folds import HELD_OUT
from tests.training.training_data import make_cases, quick_params

COMPARE = {"architectures": ["mobilenetv3_small_050"], "architecture": "mobilenetv3_small_050", "seeds": [1, 2]}
PARTS = {  # held out: to choose the epoch by, as the first fold is
    "dermai": {
        "train": {"Nev": 6, "BCC": 6, "MM": 4},
        "held out": {"Nev": 2, "BCC": 2, "MM": 2},
        "test": {"Nev": 4, "BCC": 4, "MM": 3},
    },
    "edra": {"train": {"Nev": 5, "MM": 5}, "held out": {"Nev": 2}, "test": {"MM": 2}},
    "dermofit": {"train": {"SebKer": 4, "BCC": 3, "Nev": 1}},
}


def three_sources(data: Path) -> pd.DataFrame:
    parts = [make_cases(data, splits, batch=source).assign(source=source) for source, splits in PARTS.items()]
    cases = pd.concat(parts, ignore_index=True)
    held_out = cases["split"] == "held out"
    folds = cases["split"].map({"train": "1", "test": ""}).mask(held_out, HELD_OUT)
    return cases.assign(split=cases["split"].mask(held_out, "train"), fold=folds)


def comparison_params(**compare: object) -> Params:
    """Random weights to start from, so that no network is asked for; the shipped learner, which trains no cell."""
    strategies = {
        "a": {"title": "Alone", "start": "none"},
        "x": {"title": "Merged", "start": "none", "chain": ["target+others"]},
        "b": {"title": "Chained", "start": "none", "chain": ["edra", "target"]},
        "h": {"title": "Chained from HAM10000", "start": "none", "chain": ["ham10000", "target"]},
        "auto": {"title": "By appearance", "start": "none", "automatic": True},
    }
    training = {"learner": "linear_heads", "first_epochs": 1, "head_first_epochs": 1, "augmented_views": 1}
    return quick_params(training=training, compare={**COMPARE, "strategies": strategies, **compare})
