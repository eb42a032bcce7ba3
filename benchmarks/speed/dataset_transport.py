"""A dataset of ever more photographs through DVC and an S3 API: add, push, pull, and 500 more without the rest at hand.

    python -m benchmarks.speed.dataset_transport --sizes 1000 10000 50000

Each stage is the command that a user runs, in a process of its own. The photographs have the size of stored ones
(448 px on their shorter side); they are 200 pictures with another ending each, since DVC looks at bytes alone. The S3
API is moto's server on loopback: a network and a real store add their own time.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.folders import RESULTS
from dermai.data.cases import photograph_path
from dermai.environment import TELEMETRY_OFF
from dermai.files import sha256_bytes

PAGE = RESULTS / "dataset_transport.md"
BUCKET, LATER, PICTURES = "dermai-data", 500, 200
PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True)
class Stage:
    """What one stage took; `megabytes` is the peak memory of its largest process."""

    name: str
    photographs: int
    seconds: float
    processor: float
    megabytes: float


def pictures(count: int) -> list[bytes]:
    """JPEG files of the size that stored photographs have."""
    made = []
    for number in range(count):
        rng = np.random.default_rng(number)
        blots = Image.fromarray(rng.integers(60, 220, (24, 32, 3), dtype=np.uint8)).resize((597, 448), Image.BICUBIC)
        grain = rng.normal(0, 5, (448, 597, 1))
        file = io.BytesIO()
        Image.fromarray(np.clip(np.asarray(blots) + grain, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=92)
        made.append(file.getvalue())
    return made


def write_photographs(data: Path, ready: Sequence[bytes], first: int, count: int) -> list[Path]:
    """Photographs with numbers from `first`, where the dataset keeps them."""
    written = []
    for number in range(first, first + count):
        content = ready[number % len(ready)] + number.to_bytes(8, "big")
        file = photograph_path(data, sha256_bytes(content))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        written.append(file)
    return written


@contextmanager
def s3_api(folder: Path) -> Iterator[str]:
    """An S3 API on loopback with an empty bucket; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with (folder / "s3.log").open("wb") as log:
        server = subprocess.Popen(
            [PROGRAMS / "moto_server", "-H", "127.0.0.1", "-p", str(port)], cwd=folder, stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/moto-api/", timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        urllib.request.urlopen(urllib.request.Request(f"{address}/{BUCKET}", method="PUT")).close()
        yield address
    finally:
        server.kill()
        server.wait()


def timed(name: str, photographs: int, folder: Path, *commands: Sequence[str | Path]) -> Stage:
    """Run commands after one another, as one stage."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began, megabytes = time.perf_counter(), 0.0
    for command in commands:
        process = subprocess.Popen(command, cwd=folder)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            raise RuntimeError(f"{command[:4]} failed")
        megabytes = max(megabytes, used.ru_maxrss / 1024)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    stage = Stage(name, photographs, time.perf_counter() - began, processor, megabytes)
    print(stage, flush=True)
    return stage


def run(size: int, scratch: Path, ready: Sequence[bytes]) -> list[Stage]:
    """All stages at one size."""
    scratch.mkdir()
    os.environ.update({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"})
    hospital, other = scratch / "hospital", scratch / "other"
    hospital.mkdir()
    write_photographs(hospital / "data", ready, 0, size)
    dvc, quietly = PROGRAMS / "dvc", "--quiet"
    with s3_api(scratch) as address:
        for command in (
            ("git", "init", quietly),
            (dvc, "init", quietly),
            (dvc, "remote", "add", quietly, "-d", "s3", f"s3://{BUCKET}"),
            (dvc, "remote", "modify", quietly, "s3", "endpointurl", address),
        ):
            subprocess.run(command, cwd=hospital, check=True)
        stages = [
            timed("dvc add", size, hospital, (dvc, "add", quietly, "data")),
            timed("dvc push", size, hospital, (dvc, "push", quietly)),
            timed("dvc add again, nothing new", size, hospital, (dvc, "add", quietly, "data")),
        ]
        shutil.copytree(hospital, other, ignore=shutil.ignore_patterns("data", "cache", "tmp"))
        more = [file.relative_to(other) for file in write_photographs(other / "data", ready, size, LATER)]
        stages += [
            timed(f"{LATER} more: dvc add", LATER, other, (dvc, "add", quietly, *more)),
            timed(f"{LATER} more: dvc push", LATER, other, (dvc, "push", quietly)),
        ]
        last = scratch / "last"
        shutil.copytree(other, last, ignore=shutil.ignore_patterns("data", "cache", "tmp"))
        stages.append(timed("dvc pull of all", size + LATER, last, (dvc, "pull", quietly)))
        found = sum(1 for _ in (last / "data" / "images").rglob("*.jpg"))
        assert found == size + LATER, f"{found:,} of {size + LATER:,} photographs came back"
    shutil.rmtree(scratch)
    return stages


def as_markdown(results: Sequence[tuple[int, Stage]], each: float) -> str:
    """The measured page."""
    sizes = " ".join(str(size) for size in dict.fromkeys(size for size, _ in results))
    lines = [
        "# A dataset through DVC and an S3 API",
        "",
        f"`python -m benchmarks.speed.dataset_transport --sizes {sizes}` on {os.cpu_count()} cores, Python "
        f"{platform.python_version()}; photographs of {each / 1000:.0f} kB. The S3 API is moto's server on loopback, "
        "on the same cores: its own processor time is not counted, its seconds are. Other programs used the machine "
        "too.",
        "",
        f"The {LATER} more are added in a clone that has none of the other photographs.",
        "",
        "| photographs in the dataset | stage | minutes | photographs a second | processor ms a photograph "
        "| peak memory, MB |",
        "|---:|---|---:|---:|---:|---:|",
    ]
    for size, stage in results:
        lines.append(
            f"| {size:,} | {stage.name} | {stage.seconds / 60:.2f} | {stage.photographs / stage.seconds:.0f} "
            f"| {1000 * stage.processor / stage.photographs:.2f} | {stage.megabytes:.0f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 50_000])
    options = parser.parse_args()
    os.environ.update(TELEMETRY_OFF)
    ready = pictures(PICTURES)
    with tempfile.TemporaryDirectory(prefix="dataset_transport.") as name:
        found = [(size, stage) for size in options.sizes for stage in run(size, Path(name) / str(size), ready)]
    PAGE.write_text(as_markdown(found, float(np.mean([len(one) for one in ready]))), encoding="utf-8")


if __name__ == "__main__":
    main()
