"""Import and validation of ever more photographs: time should grow in proportion, memory hardly at all.

Every measurement runs in a process of its own, so that its peak memory is its own. The photographs are random
colour blots of 160 x 120 px, one patient for every three, in the paper's 13 classes.

    python -m benchmarks.speed.ingest_growth --sizes 1000 10000 50000
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.folders import REPOSITORY, RESULTS
from dermai.config import Params, load_params
from dermai.taxonomy import load_taxonomy
from dermai.workspace import Workspace

PAGE = RESULTS / "ingest_growth.md"
LATER = 500  # photographs of a later arrival into the full dataset
PHOTOGRAPHS_A_PATIENT = 3
GRAIN = np.random.default_rng(0).integers(0, 40, (120, 160, 1), dtype=np.uint8)  # as sharp as a photograph


def write_delivery(folder: Path, first: int, photographs: int) -> None:
    """`cases.csv` and photographs numbered from `first`, all unlike each other."""
    folder.mkdir(parents=True)
    codes = load_taxonomy().codes
    with (folder / "cases.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "case_id", "patient_id", "diagnosis", "age", "sex", "view"])
        for number in range(first, first + photographs):
            patient = number // PHOTOGRAPHS_A_PATIENT
            file = f"{number // 1000:03d}/{number}.jpg"
            code = codes[patient % len(codes)]
            writer.writerow([file, f"c{number}", f"p{patient}", code, 20 + patient % 70, "female", "macroscopic"])
            (folder / file).parent.mkdir(exist_ok=True)
            blots = np.random.default_rng(number).integers(30, 200, (9, 12, 3), dtype=np.uint8)
            picture = np.asarray(Image.fromarray(blots).resize((160, 120), Image.Resampling.BICUBIC))
            Image.fromarray(np.minimum(picture, 215) + GRAIN).save(folder / file, quality=85)


def import_folder(workspace: Workspace, folder: Path, params: Params) -> int:
    """Take a delivery in; the number of new photographs."""
    from dermai.ingest.dermai_cases import read_dermai_cases
    from dermai.ingest.intake import take_in

    return take_in(read_dermai_cases(folder), workspace, params).new.total()


def validate(workspace: Workspace, params: Params) -> int:
    """Validate the dataset; the number of photographs."""
    from dermai.data.cases import parse_cases
    from dermai.validation.dataset import validate_dataset

    cases = parse_cases(workspace.cases_file)
    docs = workspace.reports / "validation"
    return validate_dataset(cases, workspace.data, params, docs, workspace.state).photographs


def measure(task: str, root: Path, folder: Path) -> None:
    """Run one task in this process and print its photographs, seconds and peak memory."""
    workspace = Workspace(root)
    params = load_params(workspace.params_file)
    import dermai.ingest.intake
    import dermai.validation.dataset  # noqa: F401  loading libraries is not what grows

    began, worked = time.perf_counter(), time.process_time()
    photographs = {
        "import": lambda: import_folder(workspace, folder, params),
        "validate": lambda: validate(workspace, params),
        "nothing": lambda: 0,
    }[task]()
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"photographs": photographs, "seconds": seconds, "processor": processor, "megabytes": peak}))


def in_its_own_process(task: str, root: Path, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.speed.ingest_growth", "--measure", task, str(root), str(folder)]
    result = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(result.stdout.splitlines()[-1])


def run(size: int, scratch: Path) -> list[tuple[str, dict[str, float]]]:
    """All measurements at one size."""
    root = scratch / f"workspace{size}"
    root.mkdir()
    (root / "params.yaml").write_bytes((REPOSITORY / "params.yaml").read_bytes())
    folder, later = scratch / f"delivery{size}", scratch / f"later{size}"
    write_delivery(folder, 0, size)
    write_delivery(later, PHOTOGRAPHS_A_PATIENT * (size // PHOTOGRAPHS_A_PATIENT + 1), LATER)
    return [
        ("import", in_its_own_process("import", root, folder)),
        ("validation", in_its_own_process("validate", root, folder)),
        ("validation again", in_its_own_process("validate", root, folder)),
        (f"import of {LATER} more", in_its_own_process("import", root, later)),
    ]


def as_markdown(results: list[tuple[int, str, dict[str, float]]], baseline: float) -> str:
    lines = [
        "# Import and validation as the dataset grows",
        "",
        f"`python -m benchmarks.speed.ingest_growth` on {os.cpu_count()} cores, Python {platform.python_version()}; "
        "random 160 x 120 px photographs, three a patient, each task in a process of its own.",
        "These are pictures of noise, far smaller than a phone's: real photographs take about 27 ms of processor time "
        "each.",
        f"The libraries alone take {baseline:.0f} MB. "
        "Other programs used the machine too: processor seconds tell more than seconds.",
        "",
        "| photographs in the dataset | task | seconds | processor seconds | processor ms a photograph "
        "| peak memory, MB |",
        "|---:|---|---:|---:|---:|---:|",
    ]
    for size, task, result in results:
        worked = result["processor"]
        each = 1000 * worked / max(result["photographs"], 1)
        shown = (
            f"{size:,}",
            task,
            f"{result['seconds']:.1f}",
            f"{worked:.1f}",
            f"{each:.2f}",
            f"{result['megabytes']:.0f}",
        )
        lines.append(f"| {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 50_000])
    parser.add_argument("--measure", nargs=3, metavar=("TASK", "ROOT", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        task, root, folder = arguments.measure
        measure(task, Path(root), Path(folder))
        return
    with tempfile.TemporaryDirectory(prefix="ingest_growth.") as name:
        scratch = Path(name)
        os.environ["DERMAI_PSEUDONYM_KEY_FILE"] = str(scratch / "pseudonym.key")
        (scratch / "empty").mkdir()
        (scratch / "empty" / "params.yaml").write_bytes((REPOSITORY / "params.yaml").read_bytes())
        baseline = in_its_own_process("nothing", scratch / "empty", scratch)["megabytes"]
        results = []
        for size in arguments.sizes:
            for task, result in run(size, scratch):
                results.append((size, task, result))
                print(size, task, result, flush=True)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(as_markdown(results, baseline), encoding="utf-8")


if __name__ == "__main__":
    main()
