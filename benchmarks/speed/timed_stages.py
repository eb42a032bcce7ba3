"""Processor seconds of the parts of a triage, measured where the platform calls them."""

from __future__ import annotations

import importlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

ANSWERS = "dermai.triage.scoring.predict_with"
EMBEDDINGS = "dermai.triage.scoring.embeddings"
STAGES = {  # the function whose time it is, where the platform calls it, and what the plain loop has no part of
    "dermai.triage.scoring.predict_with": "the champion's answers",
    "dermai.triage.one_pass.keep_heat": "heat maps (Grad-CAM) of every photograph",
    "dermai.triage.run.admit": "quality check: check of the file, metadata removed, measured, judged, stored",
    EMBEDDINGS: "embeddings of the reference backbone, 224 px",
    "dermai.prediction_log.log.PredictionLog.append": "prediction log: typed, compressed, synced to disk",
    "dermai.prediction_log.log.PredictionLog.read": "prediction log: what was scored before, what to show",
    "dermai.triage.run.write_worklist_page": "worklist page with thumbnails and heat maps",
}
WITHIN = {"dermai.triage.one_pass.keep_heat": "dermai.triage.scoring.predict_with"}


@contextmanager
def stages() -> Iterator[dict[str, float]]:
    """Processor seconds of each of `STAGES` while it runs."""
    spent: dict[str, float] = defaultdict(float)
    originals = []

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            started = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                taken = time.process_time() - started
                spent[name] += taken
                if name in WITHIN:
                    spent[WITHIN[name]] -= taken

        return call

    for name in STAGES:
        module, _, attribute = name.rpartition(".")
        try:
            owner: Any = importlib.import_module(module)
        except ModuleNotFoundError:  # a method
            module, _, kind = module.rpartition(".")
            owner = getattr(importlib.import_module(module), kind)
        originals.append((owner, attribute, getattr(owner, attribute)))
        setattr(owner, attribute, timed(name, getattr(owner, attribute)))
    try:
        yield spent
    finally:
        for owner, attribute, original in originals:
            setattr(owner, attribute, original)
