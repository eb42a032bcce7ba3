"""Operating characteristics of the promotion gate beside point comparisons, in simulated fleets of updates.

    python -m benchmarks.gate.operating_characteristics [--quick]

Everything is drawn from named seeds, on one thread. Writes benchmarks/results/gate_operating_characteristics.{md,svg}.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.folders import RESULTS
from benchmarks.gate.operating_characteristics_report import figure, report
from benchmarks.gate.simulated_fleets import RULES
from benchmarks.gate.simulations import (
    COMMITTED,
    DISCORDANCES,
    MELANOMAS,
    NOT_WORSE,
    QUICK,
    WORSE,
    creep,
    overuse,
    promotions,
    reigns,
    several_lesions,
    shadow,
)


def main(arguments: Iterable[str] | None = None) -> None:
    """Simulate, and write the tables and the figure."""
    from tqdm import tqdm

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the runs, to see that it works")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the tables and the figure")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    size = QUICK if chosen.quick else COMMITTED
    cells = len(MELANOMAS) * len({**WORSE, **NOT_WORSE}) * len(DISCORDANCES)
    total = cells + 20 * len(RULES) + 50 * 6 + 6 * size.streams + 9 + 40
    started = time.monotonic()
    with tqdm(total=total, desc="simulate", unit="step") as bar:
        found = (
            promotions(size, bar),
            creep(size, bar),
            overuse(size, bar),
            shadow(size, bar),
            several_lesions(size, bar),
            reigns(size, bar),
        )
    chosen.output.mkdir(parents=True, exist_ok=True)
    command = "python -m benchmarks.gate.operating_characteristics" + (" --quick" if chosen.quick else "")
    text = report(size, *found, command=command, seconds=time.monotonic() - started)
    (chosen.output / "gate_operating_characteristics.md").write_text(text, encoding="utf-8")
    figure(found[0], found[1], chosen.output / "gate_operating_characteristics.svg")
    print(text)


if __name__ == "__main__":
    main()
