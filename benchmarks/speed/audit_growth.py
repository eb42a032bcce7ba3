"""The signed records as they grow: what another record and a verification cost, the first in a process and a later one.

    python -m benchmarks.speed.audit_growth --sizes 1000 10000

A service that files referrals every half minute signs two records each time: about half a million a year.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.folders import REPOSITORY, RESULTS
from dermai.audit import AuditLog
from dermai.files import sha256_bytes
from dermai.prediction_log.part_records import SortingsRecorded

PAGE = RESULTS / "audit_growth.md"


def fill(log: AuditLog, up_to: int) -> float:
    """Add records until there are so many; milliseconds of wall clock each, flushed to disk."""
    first, began = len(log.entries()), time.perf_counter()
    for number in range(first, up_to):
        log.append(SortingsRecorded(parts={f"part-{number:020d}.parquet": sha256_bytes(str(number).encode())}, rows=20))
    return 1000 * (time.perf_counter() - began) / (up_to - first)


def measure(file: Path) -> None:
    """Verify twice in this process, and print processor seconds and peak memory."""
    log, took = AuditLog(file), []
    for _ in range(2):
        began = time.process_time()
        log.verified_entries()
        took.append(time.process_time() - began)
    print(json.dumps({"took": took, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return
    lines = [
        "# The signed records as they grow",
        "",
        f"`python -m benchmarks.speed.audit_growth --sizes {' '.join(map(str, options.sizes))}`, {os.cpu_count()} "
        f"cores, Python {platform.python_version()}.",
        "",
        "| records | bytes each | another one, ms, on disk | verified first, processor s | verified again, processor s "
        "| peak memory, MB |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory(prefix="audit_growth.") as name:
        os.environ["DERMAI_AUDIT_KEY_FILE"] = str(Path(name) / "audit.key")
        log = AuditLog(Path(name) / "audit" / "audit.jsonl")
        for size in options.sizes:
            each = fill(log, size)
            command = [sys.executable, "-m", "benchmarks.speed.audit_growth", "--measure", str(log.path)]
            found = json.loads(subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout)
            cells = (
                f"{size:,}", f"{log.path.stat().st_size / size:.0f}", f"{each:.1f}",
                *(f"{seconds:.2f}" for seconds in found["took"]), f"{found['megabytes']:.0f}",
            )  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
