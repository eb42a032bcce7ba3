"""How much every update leaves behind, place by place, and what pruning takes away again.

    python -m benchmarks.speed.run_growth --runs 100

A clone of the repository learns from simulated patients, then gets a small arrival a run: `dermai ingest`, `dvc add`,
`zenml pipeline run incremental_finetune`, with the parameters as shipped.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.folders import REPOSITORY, RESULTS
from dermai.environment import TELEMETRY_OFF

PAGE = RESULTS / "run_growth.md"
PLACES = {
    "ZenML's store": "zenml",
    "`state/cache`": "clone/state/cache",
    "`state` without the cache": "clone/state",
    "`reports`": "clone/reports",
    "MLflow's files": "clone/mlartifacts",
    "MLflow's database": "clone/mlflow.db",
    "DVC's cache": "clone/.dvc/cache",
    "dataset": "clone/data",
}
FIRST, LATER = "0.08", "0.01"  # of the demo's patients


def sizes(folder: Path) -> dict[str, int]:
    """Bytes in each of the places."""
    found = {name: _bytes(folder / place) for name, place in PLACES.items()}
    found["`state` without the cache"] -= found["`state/cache`"]
    return found


def _bytes(place: Path) -> int:
    files = [place] if place.is_file() else [file for file in place.rglob("*") if not file.is_symlink()]
    return sum(file.stat().st_size for file in files if file.is_file())


class Clone:
    """A clone of the repository with stores of its own, driven by the commands of its users."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "clone"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("DERMAI_")}
        self.environment |= TELEMETRY_OFF | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.root),
            "ZENML_CONFIG_PATH": str(folder / "zenml"),
            "DERMAI_PSEUDONYM_KEY_FILE": str(folder / "keys" / "pseudonym.key"),
            "DERMAI_AUDIT_KEY_FILE": str(folder / "keys" / "audit.key"),
        }
        subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(self.root)], check=True)
        self.run("git", "config", "user.name", "a benchmark")
        self.run("git", "config", "user.email", "benchmark@localhost")
        (self.root / "data.dvc").unlink()

    def run(self, *command: str) -> None:
        """A command in the clone's root."""
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")

    def learn(self, arrival: int) -> None:
        """Take an arrival in and update."""
        scale = LATER if arrival > 1 else FIRST
        self.run("dermai", "simulate", "incoming", "--arrival", str(arrival), "--scale", scale, "--size", "300")
        self.run("dermai", "ingest", "incoming")
        shutil.rmtree(self.root / "incoming")
        self.run("dvc", "add", "--quiet", "data")
        self.run("git", "add", "data.dvc")
        self.run("git", "commit", "--quiet", "-m", "More cases")
        self.run("zenml", "pipeline", "run", "incremental_finetune")


def as_markdown(after: list[dict[str, int]], pruned: dict[str, int]) -> str:
    """The measured page."""
    runs = len(after)
    shown = sorted({1, max(runs // 2, 1), runs})
    lines = [
        "# What updates leave behind",
        "",
        f"`python -m benchmarks.speed.run_growth --runs {runs}`, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}: a clone with the parameters as shipped, simulated patients of 300 px, a small "
        "arrival a run. Megabytes after so many updates; an update's own share is the slope from the second one on.",
        "",
        f"| place | {' | '.join(f'after {number}' for number in shown)} | an update | pruned |",
        f"|---|{'---:|' * (len(shown) + 2)}",
    ]
    for name in PLACES:
        values = np.array([one[name] for one in after]) / 1e6
        slope = np.polyfit(np.arange(1, runs), values[1:], 1)[0] if runs > 2 else float("nan")
        cells = [*(f"{values[number - 1]:.1f}" for number in shown), f"{slope:.2f}", f"{pruned[name] / 1e6:.1f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += [
        "",
        "Pruned: `python -m steps.prune_runs --older-than 0` and `rm -r state/cache`, safe at any time: the "
        "next update fills it again. In operation `dermai retention` takes what no run used for so long as "
        "`retention.cache_days` says.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="run_growth.") as name:
        clone, after = Clone(Path(name)), []
        for number in range(1, runs + 1):
            clone.learn(number)
            after.append(sizes(clone.folder))
            print(number, {place: f"{size / 1e6:.1f}" for place, size in after[-1].items()}, flush=True)
        clone.run("python", "-m", "steps.prune_runs", "--older-than", "0")
        shutil.rmtree(clone.root / "state" / "cache")
        PAGE.write_text(as_markdown(after, sizes(clone.folder)), encoding="utf-8")


if __name__ == "__main__":
    main()
