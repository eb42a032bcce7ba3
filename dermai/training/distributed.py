"""One training on several processes: started by torchrun, joined by Accelerate, each a share of the same batches.

The processes share `folder`. On this machine they are started here. Where `DERMAI_TORCHRUN` holds torchrun's options
for several machines (`--nnodes 2 --node-rank 0 --master-addr 10.0.0.1 --master-port 29500`), each of the others sees
the same folders and runs `torchrun OPTIONS --nproc-per-node N -m dermai.training.distributed_process FOLDER`.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd

from dermai.config import Params
from dermai.continual.plan import UpdatePlan
from dermai.errors import DermaiError
from dermai.files import locked, write_json, write_text
from dermai.models.package import ModelPackage
from dermai.training.finetune import FINISHED, finetune

TORCHRUN_VARIABLE = "DERMAI_TORCHRUN"
PROGRAM = "dermai.training.distributed_process"
INPUTS, FAILURE = "inputs", "failure.txt"
PLAN, CASES, PARAMS, PARENT, PLACES = "plan.json", "cases.parquet", "params.json", "parent", "places.json"
log = logging.getLogger(__name__)


class DistributedTrainingFailed(DermaiError):
    """A process of the training failed or was killed."""


def processes_for(params: Params, step_gpus: int | None = None) -> int:
    """`training.processes`; with `auto` one for each GPU of the step, or of this machine where the step names none.

    `auto` takes as many as can share `training.samples_per_class` equally.
    """
    if params.training.processes != "auto":
        return params.training.processes
    import torch

    devices = step_gpus or torch.cuda.device_count()
    fitting = (count for count in range(devices, 1, -1) if params.training.samples_per_class % count == 0)
    return next(fitting, 1)


def finetune_in_processes(
    processes: int,
    plan: UpdatePlan,
    cases: pd.DataFrame,
    data_folder: Path,
    params: Params,
    parent: ModelPackage | None,
    folder: Path,
    progress: bool = True,
    cache: Path | None = None,
) -> ModelPackage:
    """As `dermai.training.finetune.finetune`, on so many processes of this machine; the same weights but for rounding.

    Raises:
        DistributedTrainingFailed: a process failed; the same call goes on from the last checkpoint, on any number of
            processes.
    """
    with locked(folder / ".launch.lock"):
        write_inputs(folder, plan, cases, data_folder, params, parent, cache or folder, progress)
        (folder / FAILURE).unlink(missing_ok=True)
        try:
            code = _run(launch_command(processes, folder), environment(processes))
        finally:
            shutil.rmtree(folder / INPUTS, ignore_errors=True)  # they name patients
        if code:
            reason = folder / FAILURE
            raise DistributedTrainingFailed(
                reason.read_text(encoding="utf-8").strip()
                if reason.is_file()
                else f"a training process ended with {code}, see above; the next run goes on from the last checkpoint"
            )
        return ModelPackage.load(folder / FINISHED)


def write_inputs(
    folder: Path,
    plan: UpdatePlan,
    cases: pd.DataFrame,
    data_folder: Path,
    params: Params,
    parent: ModelPackage | None,
    cache: Path,
    progress: bool,
) -> None:
    """What every process reads, as plain files."""
    inputs = folder / INPUTS
    write_text(inputs / PLAN, plan.model_dump_json())
    write_text(inputs / PARAMS, params.model_dump_json())
    cases.to_parquet(inputs / CASES)
    shutil.rmtree(inputs / PARENT, ignore_errors=True)
    if parent is not None:
        parent.save(inputs / PARENT)
    places = {"data": str(data_folder.resolve()), "cache": str(cache.resolve()), "progress": progress}
    write_json(inputs / PLACES, places)


def finetune_as_written(folder: Path) -> ModelPackage:
    """This process's part in the training whose inputs lie in the folder."""
    inputs = folder / INPUTS
    try:
        places = json.loads((inputs / PLACES).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DistributedTrainingFailed(
            f"{inputs} is not there: start the training step first, on a folder that all machines see"
        ) from None
    return finetune(
        UpdatePlan.model_validate_json((inputs / PLAN).read_text(encoding="utf-8")),
        pd.read_parquet(inputs / CASES),
        Path(places["data"]),
        Params.model_validate_json((inputs / PARAMS).read_text(encoding="utf-8")),
        ModelPackage.load(inputs / PARENT) if (inputs / PARENT).is_dir() else None,
        folder,
        places["progress"],
        Path(places["cache"]),
    )


def launch_command(processes: int, folder: Path) -> list[str]:
    """torchrun, on this machine's loopback alone unless `DERMAI_TORCHRUN` says otherwise."""
    options = shlex.split(os.environ.get(TORCHRUN_VARIABLE, ""))
    if options:
        log.warning("on the other machines: torchrun ... --nproc-per-node N -m %s %s", PROGRAM, folder)
    else:
        options = ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", "--local-addr", "127.0.0.1"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", *options]
    return [*torchrun, "--nproc-per-node", str(processes), "-m", PROGRAM, str(folder)]


def environment(processes: int) -> dict[str, str]:
    """This process's, with its cores shared out; torchrun would give each process one."""
    threads = max(1, (os.cpu_count() or 1) // processes)
    ours = {"OMP_NUM_THREADS": str(threads)}
    if not os.environ.get(TORCHRUN_VARIABLE):
        ours["GLOO_SOCKET_IFNAME"] = socket.if_nameindex()[0][1]  # loopback: the host's name may lead nowhere
    return {**ours, **os.environ}


def _run(command: list[str], variables: dict[str, str]) -> int:
    process = subprocess.Popen(command, env=variables)
    try:
        return process.wait()
    except BaseException:
        process.terminate()  # torchrun ends its processes
        process.wait()
        raise
