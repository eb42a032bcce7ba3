"""Trainings on several processes end with the weights that one process reaches."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import numpy as np
import pandas as pd
import pytest

import dermai.training.phases
from dermai.config import Params
from dermai.continual.plan import UpdatePlan, plan_update
from dermai.models.package import ModelPackage
from dermai.training.checkpoints import Checkpoint, save_checkpoint
from dermai.training.distributed import (
    PROGRAM,
    DistributedTrainingFailed,
    environment,
    finetune_in_processes,
    processes_for,
    write_inputs,
)  # fmt: skip
from dermai.training.finetune import FINISHED, finetune, training_key
from tests.training.training_data import make_cases, quick_params

PARAMS = quick_params(
    training={"samples_per_class": 4, "head_first_epochs": 1, "backbone_learning_rate": 2e-4},
    model={"frozen_share": 0.5},
    continual={"strategy": "replay_interpolation"},  # has every phase: the head alone, the blocks, the mix
)
TOLERANCE = 2e-4
# What the bias at the end of a block adds, the next block's BatchNorm takes away as part of the mean: its gradient is
# nothing but rounding, of which Adam makes whole steps of the learning rate. The mean moves with it.
WITHOUT_EFFECT, STEPS = (".bn3.bias", ".bn1.running_mean"), 6 * 2e-4


@dataclass(frozen=True)
class Trained:
    """A first model and an update of it, each made by one process, and what they were made from."""

    data: Path
    cache: Path
    cases: pd.DataFrame
    more: pd.DataFrame
    first: ModelPackage
    update: ModelPackage

    def first_arguments(self) -> tuple[UpdatePlan, pd.DataFrame, Path, Params, None]:
        return plan_update(self.cases, None, PARAMS), self.cases, self.data, PARAMS, None

    def update_arguments(self) -> tuple[UpdatePlan, pd.DataFrame, Path, Params, ModelPackage]:
        return plan_update(self.more, self.first.manifest, PARAMS), self.more, self.data, PARAMS, self.first


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("trained")
    data = folder / "data"
    counts = {"train": {"Nev": 12, "MM": 6, "BCC": 8}, "validation": {"Nev": 4, "MM": 4, "BCC": 4}}
    cases = make_cases(data, counts)
    later = make_cases(data, {"train": {"Nev": 4, "SebKer": 5, "MM": 3}, "validation": {"SebKer": 4}}, batch="2")
    more = pd.concat([cases, later], ignore_index=True)
    first = finetune(
        plan_update(cases, None, PARAMS), cases, data, PARAMS, None, folder / "first", False, folder / "cache"
    )
    plan = plan_update(more, first.manifest, PARAMS)
    update = finetune(plan, more, data, PARAMS, first, folder / "update", False, folder / "cache")
    for package in (first, update):
        assert package.training["best_epoch"], "nothing was learnt that could be compared"
    return Trained(data, folder / "cache", cases, more, first, update)


def assert_same(found: ModelPackage, expected: ModelPackage) -> None:
    for name, weights in expected.weights.items():
        tolerance = 2 * STEPS if name.endswith(WITHOUT_EFFECT) else TOLERANCE
        difference = (found.weights[name].double() - weights.double()).abs().max().item()
        assert difference <= tolerance, f"{name} differs by {difference:.2g}"
    probabilities = (package.validation.filter(like="p_").to_numpy() for package in (found, expected))
    np.testing.assert_allclose(*probabilities, atol=TOLERANCE)
    for ours, theirs in zip(found.training["history"], expected.training["history"], strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-4)
        assert ours["images"] == theirs["images"]
    assert found.training["interpolation_chosen"] == expected.training["interpolation_chosen"]
    assert found.manifest.equals(expected.manifest)


def test_two_processes_update_a_champion_to_the_same_weights_as_one(trained: Trained, tmp_path: Path) -> None:
    found = finetune_in_processes(2, *trained.update_arguments(), tmp_path / "two", False, tmp_path / "cache")
    assert_same(found, trained.update)
    assert found.training["processes"] == 2
    assert found.parent == trained.first.sha256
    assert not (tmp_path / "two" / "inputs").exists()


@pytest.mark.long
def test_four_processes_train_a_first_model_to_the_same_weights_as_one(trained: Trained, tmp_path: Path) -> None:
    assert_same(
        finetune_in_processes(4, *trained.first_arguments(), tmp_path / "four", False, trained.cache), trained.first
    )


@pytest.mark.long
def test_a_training_of_one_process_that_was_killed_goes_on_with_two(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def save_and_die(folder: Path, epoch: int, checkpoint: Checkpoint) -> None:
        save_checkpoint(folder, epoch, checkpoint)
        raise Killed

    monkeypatch.setattr(dermai.training.phases, "save_checkpoint", save_and_die)
    with pytest.raises(Killed):
        finetune(*trained.first_arguments(), tmp_path / "killed", False, trained.cache)
    kept = next((tmp_path / "killed" / "checkpoints").glob("epoch-*/position.json")).read_text()
    found = finetune_in_processes(2, *trained.first_arguments(), tmp_path / "killed", False, trained.cache)
    assert_same(found, trained.first)
    seconds = [record["seconds"] for record in found.training["history"]]
    assert all(f'"seconds": {each}' in kept for each in seconds[:-1])  # those epochs were not computed again


def test_the_reason_of_a_process_that_fails_is_the_reason_of_the_training(trained: Trained, tmp_path: Path) -> None:
    _, cases, data, params, parent = trained.first_arguments()
    with pytest.raises(DistributedTrainingFailed, match="there are no training photographs"):
        finetune_in_processes(2, UpdatePlan(mode="nothing"), cases, data, params, parent, tmp_path, False)


@pytest.fixture
def two_machines() -> Iterator[list[tuple[str, str]]]:
    """Two network namespaces, joined by a cable of their own: name and interface of each."""
    if os.geteuid() or not which("ip"):
        pytest.skip("network namespaces need root and `ip` (iproute2)")
    mark = uuid.uuid4().hex[:6]
    ends = [(f"dermai-{mark}-{number}", f"d{mark}{number}") for number in range(2)]

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True, text=True)

    with ExitStack() as stack:
        try:
            for name, _ in ends:
                ip("netns", "add", name)
                stack.callback(ip, "netns", "delete", name)
            ip(
                "link",
                "add",
                ends[0][1],
                "netns",
                ends[0][0],
                "type",
                "veth",
                "peer",
                "name",
                ends[1][1],
                "netns",
                ends[1][0],
            )
            for number, (name, interface) in enumerate(ends):
                ip("-n", name, "address", "add", f"10.203.0.{number + 1}/24", "dev", interface)
                ip("-n", name, "link", "set", interface, "up")
                ip("-n", name, "link", "set", "lo", "up")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr.strip()}")
        yield ends


@pytest.mark.long
def test_two_machines_train_to_the_same_weights_as_one_process(
    trained: Trained, tmp_path: Path, two_machines: list[tuple[str, str]]
) -> None:
    write_inputs(tmp_path, *trained.first_arguments(), trained.cache, progress=False)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
    torchrun += ["--master-addr", "10.203.0.1", "--master-port", "29500"]
    running = [
        subprocess.Popen(
            ["ip", "netns", "exec", name, *torchrun, "--node-rank", str(rank), "-m", PROGRAM, str(tmp_path)],
            env={**environment(2), "GLOO_SOCKET_IFNAME": interface},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank, (name, interface) in enumerate(two_machines)
    ]
    try:
        logs = [process.communicate(timeout=300)[0] for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0, 0], "\n".join(logs)
    found = ModelPackage.load(tmp_path / FINISHED)
    assert found.training["processes"] == 2
    assert_same(found, trained.first)


class TestTheNumberOfProcesses:
    def test_is_what_the_parameters_say(self) -> None:
        assert processes_for(Params()) == 1
        assert processes_for(quick_params(training={"processes": 3}), step_gpus=8) == 3

    @pytest.mark.parametrize(("gpus", "expected"), [(1, 1), (2, 2), (3, 2), (8, 4)])
    def test_is_with_auto_the_gpus_of_the_step_that_can_share_a_batch(self, gpus: int, expected: int) -> None:
        params = quick_params(training={"processes": "auto", "samples_per_class": 4})
        assert processes_for(params, step_gpus=gpus) == expected

    def test_does_not_change_which_training_it_is(self, trained: Trained) -> None:
        plan, cases, _, params, _ = trained.first_arguments()
        more = params.model_copy(update={"training": params.training.model_copy(update={"processes": 4})})
        assert training_key(plan, cases, params, None) == training_key(plan, cases, more, None)
