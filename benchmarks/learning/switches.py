"""What single switches of params.yaml do to a training on everything: a paired row each.

    python -m benchmarks.learning.switches ../shared/data

Joint training on either stream of `benchmarks.updates.update_streams`, five repetitions (each patient is tested once),
with and without the switch; the cells are kept where those of that benchmark are. Writes
benchmarks/results/switches.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.folders import RESULTS
from benchmarks.updates.stream_statistics import Answers, Interval, balanced_accuracy, estimate, sensitivity
from benchmarks.updates.update_streams import cell_file, run_cell
from benchmarks.updates.update_streams_report import answers_of
from dermai.files import write_text

REPETITIONS = range(5)
STREAMS = {"pad": "PAD-UFES-20", "ham": "HAM10000"}
SWITCHES: dict[str, dict[str, Any]] = {
    "`model.crop: lesion`": {"model.crop": "lesion"},
    "`training.hierarchy: [risk]`": {"training.hierarchy": ["risk"]},
    "`training.hierarchy: [risk, melanocytic, group]`": {"training.hierarchy": ["risk", "melanocytic", "group"]},
    "`training.schedule: one_cycle`, `weight_average: 0.9`": {
        "training.schedule": "one_cycle",
        "training.weight_average": 0.9,
    },
    "`training.label_smoothing: 0.1`": {"training.label_smoothing": 0.1},
}
PAGE = RESULTS / "switches.md"


def joint_cells(
    stream: str, photographs: Path, overrides: dict[str, Any], repetitions: Sequence[int] = REPETITIONS
) -> dict[int, dict[str, Any]]:
    """The finished cells of joint training, by repetition."""
    cells = {}
    for number in repetitions:
        run_cell(stream, number, "joint", photographs, overrides)
        cells[number] = json.loads(cell_file(stream, number, "joint", overrides).read_text(encoding="utf-8"))
    return cells


def answers(stream: str, photographs: Path, overrides: dict[str, Any]) -> Answers:
    """What joint training answers on the test patients of all repetitions."""
    return answers_of(joint_cells(stream, photographs, overrides), REPETITIONS)


def points(change: Interval) -> str:
    """A difference of shares in points, with its interval."""
    return f"{100 * change.value:+.1f} ({100 * change.low:+.1f} to {100 * change.high:+.1f})".replace("-", "−")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, help="folder with pad_ufes_20/ and ham10000/")
    photographs = parser.parse_args().photographs
    lines = [
        "# Single switches",
        "",
        "`python -m benchmarks.learning.switches FOLDER`. Joint training on either stream of `update_streams.md`, with",
        "its parameters, with the switch less without it; points, 95 % intervals over resampled patients, paired.",
        "",
        "| switch | data | balanced accuracy | MM sensitivity | BCC sensitivity |",
        "|---|---|---:|---:|---:|",
    ]
    for stream, title in STREAMS.items():
        without = answers(stream, photographs, {})
        for switch, overrides in SWITCHES.items():
            found = answers(stream, photographs, overrides)
            statistics = (balanced_accuracy(-1), sensitivity(-1, "MM"), sensitivity(-1, "BCC"))
            cells = " | ".join(points(estimate(statistic, found, without)) for statistic in statistics)
            lines.append(f"| {switch} | {title} | {cells} |")
            print(lines[-1], flush=True)
    write_text(PAGE, "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
