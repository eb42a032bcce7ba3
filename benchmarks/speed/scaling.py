"""How much faster one training gets on several processes, each with one core of its own as far as there are cores.

Every number is the throughput of the training epochs of a whole training of drawn photographs, started by torchrun as
`training.processes` starts it. The rounds take turns between the numbers of processes, so that what else the machine
does hits all alike; the ratio is that of a round, and its median over the rounds is reported.

    python -m benchmarks.speed.scaling --processes 1 2 4
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.folders import RESULTS
from dermai.config import Params
from dermai.continual.plan import plan_update
from dermai.data.cases import COLUMNS, photograph_path
from dermai.files import sha256_file
from dermai.training.distributed import finetune_in_processes

PAGE = RESULTS / "scaling.md"
CLASSES = ("Nev", "BCC", "MM", "SebKer")
SETTINGS = {"the top quarter of the blocks": 0.75, "the whole network": 0.0}  # trained -> model.frozen_share


def draw_cases(data: Path, photographs: int) -> pd.DataFrame:
    """Training photographs of four classes, all of different patients; blots of colour, and none to validate on."""
    rows = []
    for number in range(photographs):
        blots = np.random.default_rng(number).integers(30, 220, (7, 7, 3), dtype=np.uint8)
        drawn = data / f"{number}.jpg"
        drawn.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(blots).resize((240, 240), Image.Resampling.BICUBIC).save(drawn)
        image = sha256_file(drawn)
        place = photograph_path(data, image)
        place.parent.mkdir(parents=True, exist_ok=True)
        drawn.rename(place)
        known = {name: f"{name} {number}" for name in ("case_id", "patient_id", "lesion_id")}
        known |= {"image": image, "diagnosis": CLASSES[number % len(CLASSES)], "split": "train", "fold": "1"}
        rows.append(dict.fromkeys(COLUMNS, "") | known | {"age": np.nan})
    return pd.DataFrame(rows)


def throughput(processes: int, frozen_share: float, cases: pd.DataFrame, data: Path, cache: Path) -> float:
    """Photographs a second in the training epochs, all processes together."""
    params = Params.model_validate(
        {
            "model": {"pretrained": "none", "image_size": 224, "frozen_share": frozen_share},
            "training": {
                "learner": "network",
                "first_epochs": 2,
                "head_first_epochs": 0,
                "samples_per_class": 4,
                "augmented_views": 1,
            },
        }
    )
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        plan = plan_update(cases, None, params)
        package = finetune_in_processes(processes, plan, cases, data, params, None, Path(folder), False, cache)
    return float(package.training["images_per_second"])


def as_markdown(measured: dict[str, dict[int, list[float]]]) -> str:
    """One row a setting and number of processes."""
    cores = os.cpu_count() or 1
    lines = [
        "# One training on several processes",
        "",
        f"`python -m benchmarks.speed.scaling` on {cores} cores, Python {platform.python_version()}: "
        "tf_efficientnet_lite0 at 224 px, batches of 16, one thread a process, gloo on loopback.",
        f"There are only {cores} cores: more processes than that cannot be faster, and show what the exchange costs. "
        "Other programs used the machine too: the ratios are of rounds that took turns, the lowest and highest beside "
        "the median.",
        "Efficiency is the speed-up divided by the cores that the processes can have. No GPU was at hand.",
        "",
        "| trained | processes | photographs a second, median | times one process | efficiency |",
        "|---|---:|---:|---:|---:|",
    ]
    for setting, by_number in measured.items():
        for number, found in by_number.items():
            ratios = [several / one for several, one in zip(found, by_number[1], strict=True)]
            ratio = statistics.median(ratios)
            spread = f" ({min(ratios):.2f} to {max(ratios):.2f})" if number > 1 else ""
            share = f"{100 * ratio / min(number, cores):.0f} %"
            row = (setting, str(number), f"{statistics.median(found):.1f}", f"{ratio:.2f}{spread}", share)
            lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--photographs", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    numbers = sorted({1, *arguments.processes})
    os.environ["OMP_NUM_THREADS"] = "1"
    measured: dict[str, dict[int, list[float]]] = {name: {number: [] for number in numbers} for name in SETTINGS}
    with tempfile.TemporaryDirectory(prefix="scaling.") as name:
        cache = Path(name)
        cases = draw_cases(cache / "data", arguments.photographs)
        for turn in range(arguments.rounds):
            for setting, frozen_share in SETTINGS.items():
                for number in numbers if turn % 2 == 0 else reversed(numbers):
                    found = throughput(number, frozen_share, cases, cache / "data", cache)
                    measured[setting][number].append(found)
                    print(f"round {turn + 1}: {setting}, {number} processes: {found:.1f} a second", flush=True)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(as_markdown(measured), encoding="utf-8")


if __name__ == "__main__":
    main()
