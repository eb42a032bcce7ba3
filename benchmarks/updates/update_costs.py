"""Processor seconds of an update, by how much of what it learns is new, beside a training anew."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from dermai.models.package import ModelPackage
from dermai.workspace import Workspace

SHARES = (0.05, 0.1)  # of what is learnt that is new, in the updates by a part of the last arrival


class Arrivals(Protocol):
    """A stream of photographs that the product learns from."""

    workspace: Workspace
    arrivals: int

    def upto(self, arrival: int) -> pd.DataFrame:
        """The cases of the first arrivals."""

    def made(
        self, cases: pd.DataFrame, parent: ModelPackage | None, workspace: Workspace | None = None
    ) -> ModelPackage:
        """The model of these cases, from the parent on."""


def timed(repetition: Arrivals, root: Path) -> dict[str, Any]:
    """Processor seconds of the last update and of a training anew, each with the cache that it would find.

    Beside the whole last arrival stand updates by a part of it: patients until `SHARES` of what is learnt is new.
    """
    shutil.rmtree(root, ignore_errors=True)
    everything = repetition.upto(repetition.arrivals)
    before = repetition.upto(repetition.arrivals - 1)
    own = workspace_with_photographs(root / "before", repetition)
    parent = repetition.made(before, None, own)
    found: dict[str, Any] = {}
    for share in (*SHARES, 1.0):
        cases = pd.concat([before, _until(everything[everything["arrival"] == repetition.arrivals], before, share)])
        shutil.copytree(own.root, root / "update", symlinks=True)
        seconds = _seconds(repetition, cases, parent, Workspace(root / "update"))
        shutil.rmtree(root / "update")
        learnt = len(cases[cases["split"] == "train"])
        new = 1 - len(before[before["split"] == "train"]) / learnt
        if share == 1.0:
            found |= {"update": seconds, "new": new}
        else:
            found.setdefault("parts", []).append({"update": seconds, "new": new, "share": share})
    found["anew"] = _seconds(repetition, everything, None, workspace_with_photographs(root / "anew", repetition))
    shutil.rmtree(root)
    return found


def _until(arrived: pd.DataFrame, before: pd.DataFrame, share: float) -> pd.DataFrame:
    """Rows of the first patients who arrived, until the share of all learnt photographs is new."""
    learnt = arrived[arrived["split"] == "train"]
    wanted = share / (1 - share) * (before["split"] == "train").sum() if share < 1 else np.inf
    counts = learnt.groupby("patient_id", sort=True).size().cumsum()
    return arrived[arrived["patient_id"].isin(counts.index[counts.shift(fill_value=0) < wanted])]


def workspace_with_photographs(root: Path, repetition: Arrivals) -> Workspace:
    """One with the repetition's photographs and nothing kept."""
    own = Workspace(root)
    own.root.mkdir(parents=True)
    own.data.symlink_to(repetition.workspace.data)
    return own


def _seconds(repetition: Arrivals, cases: pd.DataFrame, parent: ModelPackage | None, workspace: Workspace) -> float:
    began = time.process_time()
    repetition.made(cases, parent, workspace)
    return time.process_time() - began


def costs(seconds: Sequence[dict[str, Any]]) -> list[str]:
    """What updates cost by how much of what they learn is new, beside a training anew."""
    anew = float(np.mean([one["anew"] for one in seconds]))
    lines = [
        f"Processor seconds, mean of {len(seconds)}; a training anew with an empty cache takes {anew:.1f}. Nearly all",
        "of either is spent on seeing photographs, so that an update costs a little more than the share that is new.",
        "",
        "| new of the photographs learnt | update | of anew |",
        "|---:|---:|---:|",
    ]
    by_part = zip(*(one["parts"] for one in seconds), strict=True)
    for rows in (*by_part, seconds):
        new, update = (float(np.mean([row[name] for row in rows])) for name in ("new", "update"))
        lines.append(f"| {100 * new:.0f} % | {update:.1f} | {100 * update / anew:.0f} % |")
    return lines
