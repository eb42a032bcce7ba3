"""The slow speed: networks fine-tuned beside the heads, whose sisters never saw the patients whom they answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from dermai.config import Params
from dermai.models.engine_check import EngineDiffers, check_engine
from dermai.models.inference import predict_probabilities, predict_with
from dermai.models.package import ModelPackage
from dermai.models.package_network import model_pixels, ready_to_predict
from dermai.models.seen_features import NetworkLogits
from dermai.training import checkpoints, phases
from dermai.training.out_of_fold import with_chosen
from dermai.workspace import Workspace
from tests.training.test_refit import arrival, assert_nobody_is_answered_by_a_model_that_saw_them, made
from tests.training.training_data import quick_params

QUICK = {
    "learner": "linear_heads", "first_epochs": 2, "update_epochs": 1, "head_first_epochs": 0, "augmented_views": 1,
    "head_learning_rate": 3e-2, "schedule": "one_cycle", "optimizer": "adamw", "weight_average": 0.5,
}  # fmt: skip


def params(when: str = "never", enough: int = 1000, **sections: object) -> Params:
    tuning = {"fine_tuning": {"when": when, "after_new_cases": enough}}
    return quick_params(training=QUICK | tuning, clinical={"columns": ["age", "grew"]}, **sections)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("fine tuning"))


@pytest.fixture(scope="module")
def cases(workspace: Workspace) -> pd.DataFrame:
    return arrival(workspace.data, Nev=9, BCC=6, MM=6)


@pytest.fixture(scope="module")
def slow(workspace: Workspace, cases: pd.DataFrame) -> ModelPackage:
    return made(workspace, cases, params("now"))


def same_networks(one: ModelPackage, other: ModelPackage) -> bool:
    assert one.fine_tuned is not None
    assert other.fine_tuned is not None
    ours, theirs = one.fine_tuned.members, other.fine_tuned.members
    return ours.keys() == theirs.keys() and all(
        torch.equal(ours[name].weights[part], theirs[name].weights[part])
        for name in ours
        for part in ours[name].weights
    )


def dies(folder: Path, epoch: int, checkpoint: checkpoints.Checkpoint) -> None:
    checkpoints.save_checkpoint(folder, epoch, checkpoint)
    if folder.parent.name == "1" and epoch == 1:
        raise KeyboardInterrupt


def test_a_package_holds_the_network_and_its_sisters_and_answers_the_same_alone_and_after_storing(
    workspace: Workspace, cases: pd.DataFrame, slow: ModelPackage, tmp_path: Path
) -> None:
    assert_nobody_is_answered_by_a_model_that_saw_them(slow)
    assert b'"format": 8' in slow.files["model.json"]
    assert slow.fusions is not None
    assert slow.fusions.alone.fine_tuned is not None
    assert (slow.training["speed"], slow.training["fine_tuning"]["photographs"]) == ("slow", len(slow.manifest))
    again = ModelPackage.load(slow.save(tmp_path / "package"))
    assert again.sha256 == slow.sha256
    images, rows = list(cases["image"][:5]), cases.iloc[:5]
    together = predict_probabilities(slow, images, workspace.data, workspace.cache, clinical=rows)
    for place, image in enumerate(images):
        one = rows.iloc[place : place + 1]
        alone = predict_probabilities(again, [image], workspace.data, workspace.cache, clinical=one)
        assert (alone[0] == together[place]).all()
    with pytest.raises(ValueError, match="needs the scores of a fine-tuned network"):
        predict_probabilities(replace(slow, fine_tuned=None), images, workspace.data, workspace.cache)
    assert not list((workspace.cache / "training").glob("*/networks"))


def test_its_engine_is_compared_with_torch(slow: ModelPackage) -> None:
    check_engine(slow)
    tuned = slow.fine_tuned
    assert tuned is not None
    assert tuned.engine is not None
    other = replace(slow, fine_tuned=replace(tuned, deployed=tuned.sisters[1]))
    with pytest.raises(EngineDiffers, match="of the fine-tuned network"):
        check_engine(other)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 2, 64, 64, 3), dtype=np.uint8)
    bare = replace(slow, engine=None, head="", fine_tuned=replace(tuned, engine=None))
    ours, theirs = (ready_to_predict(package).fine_tuned_logits(pixels) for package in (slow, bare))
    assert ours == pytest.approx(theirs, abs=1e-4)


def test_a_pass_over_pixels_as_triage_makes_it_gives_the_same_answers(
    workspace: Workspace, cases: pd.DataFrame, slow: ModelPackage
) -> None:
    images, rows = list(cases["image"][:4]), cases.iloc[:4]
    stored = predict_probabilities(slow, images, workspace.data, workspace.cache, clinical=rows)
    pixels = model_pixels(slow, workspace.cache).read(images)
    seen: list[int] = []
    found = predict_with(
        ready_to_predict(slow, workspace.cache),
        lambda start, stop: pixels[start:stop],
        len(images),
        look=lambda start, looked, answers: seen.append(len(looked.maps)),
        clinical=rows,
    )
    assert found == pytest.approx(stored, abs=1e-9)
    assert seen == [4]


def test_a_fast_update_keeps_the_networks_and_refits_the_rest(
    workspace: Workspace, cases: pd.DataFrame, slow: ModelPackage
) -> None:
    new = arrival(workspace.data, "2", Nev=3, SebKer=3)
    fast = made(workspace, pd.concat([cases, new], ignore_index=True), params(), slow)
    assert fast.training["speed"] == "fast"
    assert same_networks(fast, slow)
    assert fast.training["fine_tuning"] == slow.training["fine_tuning"]
    assert fast.fusions != slow.fusions
    assert "SebKer" in fast.classes
    assert_nobody_is_answered_by_a_model_that_saw_them(fast)
    test = new[new["split"] == "test"]
    found = predict_probabilities(fast, list(test["image"]), workspace.data, workspace.cache, clinical=test)
    called = [fast.classes[place] for place in found.argmax(axis=1)]
    assert called == list(test["diagnosis"]), "a diagnosis that the network does not know is the head's to give"


def test_a_slow_update_trains_the_champions_networks_on(
    workspace: Workspace, cases: pd.DataFrame, slow: ModelPackage
) -> None:
    more = pd.concat([cases, arrival(workspace.data, "2", Nev=3)], ignore_index=True)
    found = made(workspace, more, params("planned", enough=3), slow)
    assert found.training["fine_tuning"]["started_from"] == f"package {slow.sha256}"
    assert not same_networks(found, slow)
    assert set(found.fine_tuned.deployed.learnt) == set(found.manifest["image"])  # type: ignore[union-attr]
    assert_nobody_is_answered_by_a_model_that_saw_them(found)


def test_networks_that_learnt_what_was_withdrawn_are_left_out_or_made_anew(
    workspace: Workspace, cases: pd.DataFrame, slow: ModelPackage
) -> None:
    gone = str(cases.loc[cases["split"] == "train", "patient_id"].iloc[0])
    left = cases[cases["patient_id"] != gone].reset_index(drop=True)
    fast = made(workspace, left, params(), slow)
    assert fast.fine_tuned is None
    assert "1 photograph taken back" in fast.training["speed_reason"]
    anew = made(workspace, left, params("planned", enough=3), slow)
    assert anew.training["fine_tuning"]["started_from"] == "none weights"
    assert_nobody_is_answered_by_a_model_that_saw_them(anew)


def test_networks_that_never_saw_what_was_withdrawn_stay(
    workspace: Workspace, cases: pd.DataFrame, slow: ModelPackage
) -> None:
    new = arrival(workspace.data, "2", Nev=3)
    fast = made(workspace, pd.concat([cases, new], ignore_index=True), params(), slow)
    after = made(workspace, cases, params(), fast)
    assert not set(new["image"]) & set(after.manifest["image"])
    assert same_networks(after, slow)


def test_a_sister_whose_patients_became_those_of_her_fold_is_left_out(
    workspace: Workspace, cases: pd.DataFrame, slow: ModelPackage
) -> None:
    moved = cases.copy()
    moved.loc[moved.index[moved["fold"] == "1"][0], "fold"] = "2"
    more = pd.concat([moved, arrival(workspace.data, "2", Nev=3)], ignore_index=True)
    found = made(workspace, more, params(), slow)
    assert found.fine_tuned is None
    assert "sister 2 has learnt" in found.training["speed_reason"]


class Drawn(NetworkLogits):
    """Networks that see in a photograph what its name draws."""

    def at(self, rows: np.ndarray) -> NetworkLogits:
        return Drawn(self.package, [image for image, own in zip(self.images, rows, strict=True) if own], Path(), Path())

    def of(self, member: str) -> np.ndarray:
        classes = len(self.package.fine_tuned.members[member].classes)  # type: ignore[union-attr]
        return np.array([np.random.default_rng([*image.encode()]).normal(0, 1, classes) for image in self.images])


def test_what_a_folds_patients_have_changes_no_weight_that_their_evidence_rests_on(
    cases: pd.DataFrame, slow: ModelPackage
) -> None:
    rng, targets = np.random.default_rng(0), params().gate.target_sensitivities
    learnt = cases[cases["split"] == "train"].sort_values("image").reset_index(drop=True)
    features = rng.normal(0, 1, (len(learnt), sum(slow.linear_parts.blocks))).astype(np.float32)  # type: ignore[union-attr]
    seen = Drawn(slow, list(learnt["image"]), Path(), Path())
    own = learnt["fold"] == "1"
    other = learnt.assign(diagnosis=learnt["diagnosis"].where(~own, "BCC"))
    here, there = (
        with_chosen(slow, rows, features, targets, seen).evidence.set_index("image")  # type: ignore[union-attr]
        for rows in (learnt, other)
    )
    answers = [name for name in here if name.startswith("p_") or name == "called"]
    mine = list(learnt.loc[own, "image"])
    assert here.loc[mine, answers].equals(there.loc[mine, answers])
    assert not here.drop(mine)[answers].equals(there.drop(mine)[answers])


def test_a_killed_one_goes_on_to_the_same_weights(
    workspace: Workspace, cases: pd.DataFrame, slow: ModelPackage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = Workspace(tmp_path / "other")
    there = arrival(other.data, Nev=9, BCC=6, MM=6)
    with monkeypatch.context() as power:
        power.setattr(phases, "save_checkpoint", dies)
        with pytest.raises(KeyboardInterrupt):
            made(other, there, params("now"))
    (networks,) = (other.cache / "training").glob("*/networks")
    assert sorted(folder.name for folder in networks.iterdir()) == ["0", "1", "deployed"]
    assert sorted(file.parent.name for file in networks.glob("*/trained")) == ["0", "deployed"]
    found = made(other, there, params("now"))
    assert same_networks(found, slow)


@pytest.mark.parametrize("seed", range(3))
def test_over_any_history_at_both_speeds_nobody_is_answered_by_a_model_that_saw_them(
    workspace: Workspace, seed: int
) -> None:
    """Arrivals, corrections, withdrawals, rollbacks and speeds in an order that the seed draws."""
    rng = np.random.default_rng(seed)
    champions: list[ModelPackage | None] = [None]
    cases = arrival(workspace.data, Nev=7, BCC=5, MM=4)
    for number in range(4):
        when = "now" if number == 0 else str(rng.choice(["now", "never", "never", "planned"]))
        found = made(workspace, cases, params(when, enough=4), champions[-1])
        assert_nobody_is_answered_by_a_model_that_saw_them(found)
        assert set(found.manifest["image"]) == set(cases.loc[cases["split"] == "train", "image"])
        champions.append(found)
        event = rng.choice(["arrival", "correction", "withdrawal", "rollback"])
        some = rng.choice(cases.index[cases["split"] == "train"], 2, replace=False)
        if event == "rollback" and len(champions) > 2:
            champions.append(champions[1])
        if event == "correction":
            cases.loc[some, "diagnosis"] = ["BCC" if code == "Nev" else "Nev" for code in cases.loc[some, "diagnosis"]]
        elif event == "withdrawal":
            gone = set(cases.loc[some, "patient_id"])
            cases = cases[~cases["patient_id"].isin(gone)].reset_index(drop=True)
        else:  # something is new after a rollback too
            cases = pd.concat([cases, arrival(workspace.data, f"later-{number}", Nev=2, SebKer=3)], ignore_index=True)
