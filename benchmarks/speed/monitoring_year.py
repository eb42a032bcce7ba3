"""A monitoring run over a year of 1,000 referrals a day: time and memory of judging the newest windows.

    python -m benchmarks.speed.monitoring_year --folder /tmp/year

Writes benchmarks/results/monitoring_year.md. The run is a process of its own, so that its time and memory hold
everything: imports, reading the log, the statistics, Evidently's reports, the pages.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.folders import RESULTS
from dermai.config import load_params
from dermai.models.package import ModelPackage
from dermai.registry.mlflow_store import make_store
from dermai.registry.registry import Registry
from dermai.taxonomy import load_taxonomy
from dermai.workspace import WORKSPACE_VARIABLE, Workspace

DAYS, A_DAY, REFERENCE, CONFIRMED = 365, 1000, 400, 0.05
DEVICES = ("phone A", "phone B", "phone C")


def fill(workspace: Workspace, version: str) -> int:
    """Write the year's log, one part a day, and the confirmations; returns its bytes."""
    from dermai.prediction_log.confirmations import confirm
    from dermai.prediction_log.log import PredictionLog
    from monitoring.reference import load_reference

    log = PredictionLog.of(workspace)
    registry = Registry(workspace, load_params(workspace.params_file))
    package = ModelPackage.load(registry.download(version))
    known = load_reference(workspace, load_params(workspace.params_file), package).own
    generator = np.random.default_rng(0)
    first = datetime(2025, 11, 1, tzinfo=UTC)
    confirmed = []
    for day in range(DAYS):
        numbers = np.arange(day * A_DAY, (day + 1) * A_DAY)
        like = generator.integers(len(known.table), size=A_DAY)  # each resembles one that the champion knows
        names = [f"{number:021x}" for number in numbers]
        rows = known.table.iloc[like].reset_index(drop=True).assign(
            image=[f"{generator.integers(2**60):016x}{number:048x}" for number in numbers],
            case_id=[f"c{name}" for name in names],
            patient_id=[f"p{name}" for name in names],
            lesion_id=[f"l{name}" for name in names],
            predicted_at=pd.to_datetime(first + timedelta(days=day)) + pd.to_timedelta(numbers % A_DAY, "s"),
            role="champion",
            device=generator.choice(DEVICES, A_DAY),
        )  # fmt: skip
        vectors = known.embeddings[like] * generator.normal(1, 0.05, (A_DAY, known.embeddings.shape[1]))
        truth = rows[["case_id", "predicted"]].rename(columns={"predicted": "diagnosis"})
        confirmed.append(truth.sample(frac=CONFIRMED, random_state=day))
        log.append(rows, vectors.astype(np.float32), version)
    file = workspace.root / "diagnoses.csv"
    pd.concat(confirmed).to_csv(file, index=False)
    confirm(log, file)
    return sum(path.stat().st_size for path in workspace.prediction_log.rglob("*.parquet"))


def judge(workspace: Workspace) -> None:
    """One run, as `monitor_drift` makes it, without ZenML."""
    from monitoring.drift_run import run_monitoring

    found = run_monitoring(workspace, load_params(workspace.params_file), f"run-{time.time_ns()}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(json.dumps({"windows": found.windows, "peak": peak}))


def measured(workspace: Workspace) -> dict[str, float]:
    """Wall clock, processor time and peak memory of a run in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "benchmarks.speed.monitoring_year",
        "--judge",
        "--folder",
        str(workspace.root.parent),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = json.loads(done.stdout.strip().splitlines()[-1])
    return {"wall": wall, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            **result}  # fmt: skip


def main() -> None:
    """Fill the log where it is not there, measure a first and a later run, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--judge", action="store_true")
    options = parser.parse_args()
    workspace = Workspace(options.folder / "workspace")
    os.environ[WORKSPACE_VARIABLE] = str(workspace.root)
    os.environ["DERMAI_AUDIT_KEY_FILE"] = str(options.folder / "audit.key")
    os.environ["DERMAI_PSEUDONYM_KEY_FILE"] = str(options.folder / "pseudonym.key")
    if options.judge:
        judge(workspace)
        return
    if not workspace.prediction_log.exists():
        from tests.monitoring.production import make_champion, quick_params

        workspace.root.mkdir(parents=True)
        shutil.copy("params.yaml", workspace.root)
        make_store(workspace.root / "mlflow.db")
        registry = Registry(workspace, quick_params(workspace))
        version = make_champion(registry, workspace, options.folder / "known", REFERENCE)
        print(f"{fill(workspace, version) / 1024**2:.0f} MiB of log")
    size = sum(path.stat().st_size for path in workspace.prediction_log.rglob("*.parquet"))
    for name in ("cache/reference", "monitoring", "evidently", "audit"):
        shutil.rmtree(workspace.state / name, ignore_errors=True)
    load = os.getloadavg()[0]
    first = measured(workspace)
    shutil.rmtree(workspace.state / "monitoring")
    later = measured(workspace)
    nothing = measured(workspace)
    lines = [
        "# Monitoring a year of referrals", "",
        f"{DAYS * A_DAY:,} photographs in the prediction log ({DAYS} days of {A_DAY:,}, embeddings of 1,280 numbers, "
        f"{size / 1024**2:,.0f} MiB of Parquet), {DAYS * A_DAY * CONFIRMED:,.0f} of them confirmed; "
        f"{REFERENCE} validation photographs; {len(load_taxonomy().codes)} classes in the taxonomy, 3 in the model. "
        "One process each, imports and Evidently's reports included; bars: under 60 s and under 2 GiB. "
        f"{os.cpu_count()} cores; other programs kept {load:.1f} of them busy in the minute before.", "",
        "| run | windows judged | wall clock, s | processor, s | peak memory, GiB |", "|---|---|---|---|---|",
    ]  # fmt: skip
    runs = {
        "first run of a champion: its validation photographs are measured too": first,
        "a run over the newest windows": later,
        "nothing new since the last run": nothing,
    }
    for name, found in runs.items():
        lines.append(
            f"| {name} | {found['windows']} | {found['wall']:.1f} | {found['cpu']:.1f} | {found['peak']:.2f} |"
        )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "monitoring_year.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
