"""The HTTP interface under load, beside a plain FastAPI endpoint with the same networks, in one run, taking turns.

    python -m benchmarks.speed.service_load --photographs pad_ufes_20/images

The plain endpoint takes one photograph by multipart, opens it, makes the same views, runs the same networks on the same
ONNX engine and answers with class probabilities. It checks, stores and records nothing. The product's `POST
/api/v1/referrals` authenticates the practice, removes metadata, checks the quality, puts pseudonyms in place of
numbers, answers with risk, reason, conformal set and unfamiliarity, has the referral on disk before it answers, and
files it in the signed prediction log. Both are servers of their own; 16 clients send one photograph after the other.
Then referrals are sent while the server is killed with SIGKILL, and each that was acknowledged is looked for on the
worklist. Writes benchmarks/results/service_load.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import psutil

from benchmarks.folders import RESULTS
from benchmarks.speed.service_clients import Sent, send_all
from benchmarks.speed.service_servers import PLAIN, PRODUCT, command, free_port, server, token_of, workspace_with
from dermai.inbox.entries import Inbox
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.waiting_cases import referred_cases
from dermai.workspace import Workspace

PAGE = RESULTS / "service_load.md"
CLIENTS = 16
LEAST_SHARE, MOST_SECONDS = 0.7, 2.0
KILLS = 5


def turn(what: str, folder: Path, photographs: list[Path], count: int, name: str) -> tuple[Sent, float]:
    """Send `count` photographs to one server; what the clients saw, and the server's processor seconds."""
    product = what == PRODUCT
    headers = token_of(Workspace(folder)) if product else {}
    path, role = ("/api/v1/referrals", "close_up") if product else ("/classify", "photograph")
    with server(what, folder) as (process, port):
        cases = [f"{name}-{number}" for number in range(count)]
        warm = [f"{name}-warm-{number}" for number in range(2 * CLIENTS)]
        send_all(port, path, photographs, warm, CLIENTS, headers, role, product)
        before = sum(process.cpu_times()[:2])
        found = send_all(port, path, photographs, cases, CLIENTS, headers, role, product)
        inbox = Inbox.of(Workspace(folder))
        while product and inbox.count():  # what the log costs is counted
            time.sleep(0.2)
        spent = sum(process.cpu_times()[:2]) - before
    return found, spent


def killed(workspace: Workspace, photographs: list[Path], count: int) -> tuple[Sent, int, int]:
    """Send referrals while the server is killed; what was acknowledged, how often on the worklist, rows of the log."""
    headers, places = token_of(workspace), {count * (number + 1) // (KILLS + 1) for number in range(KILLS)}
    port = free_port()
    running: list[psutil.Process] = []
    one_at_a_time = threading.Lock()

    def start() -> None:
        running.append(psutil.Popen(command(PRODUCT, workspace.root, port)))

    def answered(number: int) -> None:
        if number in places:
            with one_at_a_time:
                running[-1].kill()
                running[-1].wait()
                start()

    start()
    cases = [f"K{number}" for number in range(count)]
    found = send_all(port, "/api/v1/referrals", photographs, cases, CLIENTS, headers, "close_up", True, answered)
    running[-1].send_signal(signal.SIGTERM)
    running[-1].wait(240)
    log = PredictionLog.of(workspace)
    listed = referred_cases(log)
    usable = sum(answer["risk"] is not None for answer in found.answers.values())
    assert listed["case_id"].is_unique
    rows = log.read(log.model_versions()[0], ["image"]).table
    return found, usable - len(listed), len(rows) - len(listed)


def page(
    turns: dict[str, list[tuple[Sent, float]]], kills: tuple[Sent, int, int], count: int, options: argparse.Namespace
) -> list[str]:
    """The measured page, Markdown lines."""
    import onnxruntime

    lines = [
        "# The HTTP interface under load", "",
        f"`python -m benchmarks.speed.service_load --count {options.count} --rounds {options.rounds} --killed "
        f"{options.killed}`: {CLIENTS} clients on the same {os.cpu_count()} cores of {platform.machine()}, ONNX "
        f"Runtime {onnxruntime.__version__}, photographs of PAD-UFES-20 (300 x 300 px), one a referral, the model and "
        f"the parameters as shipped. Means of {options.rounds} rounds that take turns. {options.beside}", "",
        "The plain endpoint opens the photograph, makes the same views and runs the same networks on the same "
        "engine; it checks, stores and records nothing.", "",
        "| | photographs a second | 95th percentile | processor ms a photograph |", "|---|---:|---:|---:|",
    ]  # fmt: skip
    rate, cost, slow = {}, {}, {}
    for what, found in turns.items():
        rate[what] = float(np.mean([sent.a_second for sent, _ in found]))
        cost[what] = float(np.mean([spent / len(sent.seconds) for sent, spent in found]))
        slow[what] = max(sent.within(0.95) for sent, _ in found)
        lines.append(f"| {what} | {rate[what]:.1f} | {slow[what]:.2f} s | {1000 * cost[what]:.1f} |")
    share, cheap = rate[PRODUCT] / rate[PLAIN], cost[PLAIN] / cost[PRODUCT]
    met = "met" if share >= LEAST_SHARE else "missed"
    quick = "met" if slow[PRODUCT] < MOST_SECONDS else "missed"
    each = "; ".join(
        f"{what} {min(s.a_second for s, _ in found):.1f} to {max(s.a_second for s, _ in found):.1f}"
        for what, found in turns.items()
    )
    lines += [
        "", f"Bar, at least {LEAST_SHARE:.0%} of the plain endpoint's photographs a second: **{share:.0%}**, {met} "
        f"({cheap:.0%} by processor time, with what the signed prediction log costs). Bar, 95th percentile under "
        f"{MOST_SECONDS:.0f} s: **{slow[PRODUCT]:.2f} s** in the slowest round, {quick}. Photographs a second over the "
        f"rounds: {each}.", "",
        "## Killed", "",
    ]  # fmt: skip
    sent, missing, twice = kills
    lines += [
        f"{len(sent.answers):,} referrals, the server killed with SIGKILL {KILLS} times in between and started again; "
        "a client that hears nothing sends the same again. Of the acknowledged referrals with a photograph that can be "
        f"judged, **{missing} are missing** on the worklist and {twice} photographs are logged twice.",
    ]
    return lines


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--photographs", type=Path, required=True, help="folder of JPEG files, beside the dataset's table"
    )
    parser.add_argument("--package", type=Path, help="a package that was made before, in place of a training")
    parser.add_argument("--count", type=int, default=600, help="of a turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--killed", type=int, default=1000)
    parser.add_argument("--beside", default="", help="what else ran, for the page")
    options = parser.parse_args()
    from benchmarks.speed.triage_throughput import shipped_model

    photographs = sorted(options.photographs.rglob("*.jpg"))[:192]
    turns: dict[str, list[tuple[Sent, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["DERMAI_AUDIT_KEY_FILE"] = str(folder / "audit.key")
        os.environ["DERMAI_PSEUDONYM_KEY_FILE"] = str(folder / "pseudonym.key")
        package = options.package or shipped_model(options.photographs.parent, folder / "learnt").save(
            folder / "package"
        )
        os.environ["DERMAI_PSEUDONYM_KEY_FILE"] = str(folder / "pseudonym.key")
        folders = {PLAIN: package, PRODUCT: workspace_with(package, folder / "workspace").root}
        for number in range(options.rounds):
            for what in list(folders) if number % 2 else list(folders)[::-1]:
                turns[what].append(turn(what, folders[what], photographs, options.count, f"R{number}"))
                sent, spent = turns[what][-1]
                cost = f"{1000 * spent / len(sent.seconds):.1f} ms, {len(sent.refused)} refused"
                print(f"{what}: {sent.a_second:.1f} a second, 95 % in {sent.within(0.95):.2f} s, {cost}", flush=True)
        kills = killed(workspace_with(package, folder / "killed"), photographs, options.killed)
    PAGE.write_text("\n".join(page(turns, kills, len(photographs), options)).rstrip() + "\n", encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
