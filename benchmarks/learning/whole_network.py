"""A quarter of the network trained by epochs beside the whole of it, strongly regularised: PAD-UFES-20 at 224 px.

    python -m benchmarks.learning.whole_network ../shared/data --repetitions 5

Joint training on everything but validation and test patients, on the folds of `benchmarks.updates.update_streams`.
Writes benchmarks/results/whole_network.md.
"""

from __future__ import annotations

import argparse
import statistics
import textwrap
from pathlib import Path
from typing import Any

from benchmarks.folders import REPOSITORY, RESULTS
from benchmarks.learning.switches import joint_cells, points
from benchmarks.updates.stream_statistics import Interval, balanced_accuracy, estimate, p_value, sensitivity
from benchmarks.updates.update_streams_report import answers_of
from dermai.config import Params, read_overrides
from dermai.files import write_text

NO_RECIPE = {"processes", "fine_tuning"}
BY_EPOCHS = {
    name: getattr(Params().training, name) for name in type(Params().training).model_fields if name not in NO_RECIPE
}
COMMON: dict[str, Any] = {
    "training.learner": "network",
    "clinical.columns": [],
    "model.image_size": 224,
    "model.interpolation": "nearest",
    "training.checkpoint_every": 100,
}
ARMS: dict[str, dict[str, Any]] = {
    "a quarter of the blocks, as in params.yaml": {
        **{f"training.{name}": value for name, value in BY_EPOCHS.items()},
        "model.frozen_share": Params().model.frozen_share,
        **COMMON,
    },
    "the whole network": {
        **read_overrides(REPOSITORY, "gpu").values,
        **COMMON,
    },
}
PAGE = RESULTS / "whole_network.md"


def share(value: Interval) -> str:
    """A share in per cent, with its interval."""
    return f"{100 * value.value:.1f} ({100 * value.low:.1f}–{100 * value.high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, help="folder with pad_ufes_20/")
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    repetitions = range(arguments.repetitions)
    own = [f"{name} {value}" for name, value in ARMS["the whole network"].items() if name not in COMMON]
    lines = [
        "# The whole network, on PAD-UFES-20 at 224 px",
        "",
        f"`python -m benchmarks.learning.whole_network FOLDER --repetitions {arguments.repetitions}`: joint training",
        "on the folds of `update_streams.md`, answered by the largest probability, without operating points. 95 %",
        "intervals over resampled patients, paired differences. Frozen layers' outputs are on disk before",
        "the clock starts.",
        "",
        *textwrap.wrap(f"The whole network: {', '.join(own)}.", 120),
        "",
        "| training | balanced accuracy | MM sensitivity | BCC sensitivity | processor minutes |",
        "|---|---:|---:|---:|---:|",
    ]
    found = {}
    for name, overrides in ARMS.items():
        cells = joint_cells("pad", arguments.photographs, overrides, repetitions)
        found[name] = answers_of(cells, repetitions)
        minutes = statistics.mean(cell["stages"][-1]["processor_seconds"] for cell in cells.values()) / 60
        values = (balanced_accuracy(-1), sensitivity(-1, "MM"), sensitivity(-1, "BCC"))
        row = " | ".join(share(estimate(value, found[name])) for value in values)
        lines.append(f"| {name} | {row} | {minutes:.1f} |")
        print(lines[-1], flush=True)
    quarter, whole = found.values()
    change = estimate(balanced_accuracy(-1), whole, quarter)
    lines += [
        "",
        f"The whole network less a quarter of it: {points(change)} points, one-sided p {p_value(change, 0.0):.3f}.",
    ]
    write_text(PAGE, "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
