"""A fine-tuning starts where the plan says, survives a kill, and leaves a package that says what it learnt."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from dermai.config import Params
from dermai.continual.plan import plan_update
from dermai.files import write_bytes
from dermai.models.package import ModelPackage
from dermai.source_code import source_hash
from dermai.training import checkpoints, phases
from dermai.training.finetune import finetune, training_key
from dermai.training.phases import FEWEST_BATCHES, TrainingPhotographs, epoch_length
from dermai.training.starting_model import CannotTrain, usable_parent, widen_head
from tests.test_source_code import change, copy_of_the_source
from tests.training.training_data import make_cases, quick_params

FIRST = {"train": {"Nev": 6, "BCC": 6}, "validation": {"Nev": 3, "BCC": 3}, "test": {"Nev": 2, "BCC": 2}}


def train(
    cases: pd.DataFrame, data: Path, folder: Path, params: Params, parent: ModelPackage | None = None
) -> ModelPackage:
    plan = plan_update(cases, parent.manifest if parent else None, params)
    return finetune(plan, cases, data, params, parent, folder, progress=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("training")


@pytest.fixture(scope="module")
def cases(data: Path) -> pd.DataFrame:
    return make_cases(data, FIRST)


@pytest.fixture(scope="module")
def first(data: Path, cases: pd.DataFrame) -> ModelPackage:
    return train(cases, data, data / "first", quick_params())


def equal(one: ModelPackage, other: ModelPackage) -> bool:
    return all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)


class TestAFirstModel:
    def test_its_manifest_names_what_it_learnt_from_and_what_chose_its_weights(self, first: ModelPackage) -> None:
        assert first.manifest["split"].value_counts().to_dict() == {"train": 12, "validation": 6}
        assert first.classes == ("Nev", "BCC")
        assert len(first.validation) == 6
        assert first.parent is None

    def test_nothing_below_the_frozen_boundary_moves(self, first: ModelPackage) -> None:
        from dermai.models.backbones import build_model

        params = quick_params()
        torch.manual_seed(params.seed)
        start = build_model(params.model, first.classes).state_dict()
        moved = {
            name for name in start if name.endswith("weight") and not torch.equal(start[name], first.weights[name])
        }
        assert "classifier.weight" in moved
        assert not any(name.startswith(("conv_stem", "blocks.0", "blocks.1", "blocks.2")) for name in moved)

    def test_crop_and_hierarchy_are_what_the_parameters_say(
        self, data: Path, cases: pd.DataFrame, first: ModelPackage
    ) -> None:
        cropped = train(cases, data, data / "cropped", quick_params(model={"crop": "lesion"}))
        assert (first.crop, cropped.crop) == ("none", "lesion")
        assert not equal(cropped, first)
        levels = train(cases, data, data / "levels", quick_params(training={"hierarchy": ["risk", "melanocytic"]}))
        assert not equal(levels, first)
        with pytest.raises(CannotTrain, match=r"model\.crop is none"):
            usable_parent(plan_update(cases, None, quick_params()).model_copy(update={"mode": "update"}),
                          quick_params(), cropped, cases)  # fmt: skip

    def test_one_class_or_no_photograph_is_refused(self, data: Path, cases: pd.DataFrame) -> None:
        params = quick_params()
        for rows, message in ((cases[cases["diagnosis"] == "Nev"], "two classes"), (cases[:0], "import cases first")):
            with pytest.raises(CannotTrain, match=message):
                train(rows, data, data / "refused", params)


def dies_after_the_first_epoch(folder: Path, epoch: int, checkpoint: checkpoints.Checkpoint) -> None:
    checkpoints.save_checkpoint(folder, epoch, checkpoint)
    raise KeyboardInterrupt


class TestAnInterruptedTraining:
    @pytest.mark.parametrize("training", [{}, {"schedule": "one_cycle", "weight_average": 0.5, "optimizer": "adamw"}])
    def test_goes_on_to_the_same_weights(
        self, data: Path, cases: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, training: dict[str, Any]
    ) -> None:
        params, killed = quick_params(training=training), data / f"killed-{len(training)}"
        whole = train(cases, data, data / f"whole-{len(training)}", params)
        with monkeypatch.context() as power:
            power.setattr(phases, "save_checkpoint", dies_after_the_first_epoch)
            with pytest.raises(KeyboardInterrupt):
                train(cases, data, killed, params)
        assert not (killed / "trained").exists()
        assert equal(train(cases, data, killed, params), whole)

    def test_a_finished_one_is_found_again(
        self, data: Path, cases: pd.DataFrame, first: ModelPackage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("dermai.training.finetune._train", lambda *_: pytest.fail("trained again"))
        assert equal(train(cases, data, data / "first", quick_params()), first)

    def test_a_changed_report_leaves_it_resumable_and_the_finished_one_found_and_changed_training_code_does_not(
        self, data: Path, cases: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        params, folder, root = quick_params(), data / "code", copy_of_the_source(tmp_path)
        monkeypatch.setattr("dermai.training.finetune.source_hash", partial(source_hash, root=root))
        for epoch in (1, 2):
            with monkeypatch.context() as power:
                power.setattr(phases, "save_checkpoint", dies_after_the_first_epoch)
                with pytest.raises(KeyboardInterrupt):
                    train(cases, data, folder, params)
            assert [checkpoint.name for checkpoint in (folder / "checkpoints").iterdir()] == [f"epoch-{epoch:05d}"]
            change(root / "dermai" / "report" / "headline.py")
        finished = train(cases, data, folder, params)

        monkeypatch.setattr("dermai.training.finetune._train", lambda *_: pytest.fail("trained again"))
        change(root / "dermai" / "report" / "headline.py")
        assert equal(train(cases, data, folder, params), finished)
        change(root / "dermai" / "training" / "phases.py")
        with pytest.raises(pytest.fail.Exception, match="trained again"):
            train(cases, data, folder, params)

    def test_other_data_parameters_or_parents_are_another_training(
        self, cases: pd.DataFrame, first: ModelPackage
    ) -> None:
        params = quick_params()
        plan = plan_update(cases, None, params)
        relabelled = cases.assign(diagnosis=["MM", *cases["diagnosis"][1:]])
        keys = {
            training_key(plan, cases, params, None),
            training_key(plan, cases, params, first),
            training_key(plan, relabelled, params, None),
            training_key(plan, cases, quick_params(training={"update_epochs": 9}), None),
        }
        assert len(keys) == 4
        assert training_key(plan, cases.assign(age=40.0), params, None) in keys

    def test_other_pretrained_weights_are_another_training_wherever_they_lie(
        self, cases: pd.DataFrame, first: ModelPackage, tmp_path: Path
    ) -> None:
        def key(folder: Path, parent: ModelPackage | None = None) -> str:
            params = quick_params(model={"pretrained": "imagenet", "weights_folder": str(folder)})
            plan = plan_update(cases, None, params).model_copy(update={"mode": "update" if parent else "bootstrap"})
            return training_key(plan, cases, params, parent)

        here, there = tmp_path / "here", tmp_path / "there"
        for folder in (here, there):
            write_bytes(folder / f"{quick_params().model.backbone}.safetensors", b"weights")
        before = key(here)
        assert key(there) == before
        write_bytes(here / f"{quick_params().model.backbone}.safetensors", b"other weights")
        assert key(here) != before
        assert key(here, first) == key(there, first)  # a champion's weights are what it goes on from


class TestAnUpdate:
    def test_a_new_diagnosis_widens_the_head_and_keeps_the_old_rows(self, first: ModelPackage) -> None:
        from dermai.models.backbones import build_model, head_name

        wider = build_model(quick_params().model, ("Nev", "BCC", "MM"))
        name = f"{head_name(wider)}.weight"
        widened = widen_head(first.weights, wider, head_name(wider))
        assert torch.equal(widened[name][:2], first.weights[name])
        assert torch.equal(widened[name][2], wider.state_dict()[name][2])

    def test_it_learns_the_new_class_and_adds_to_the_manifest(
        self, data: Path, cases: pd.DataFrame, first: ModelPackage
    ) -> None:
        more = pd.concat([cases, make_cases(data, {"train": {"MM": 5}, "validation": {"MM": 2}}, batch="2")])
        params = quick_params()
        updated = train(more, data, data / "updated", params, first)
        assert updated.classes == ("Nev", "BCC", "MM")
        assert updated.parent == first.sha256
        assert set(first.manifest["image"]) < set(updated.manifest["image"])
        assert updated.training["interpolation_chosen"] is None
        assert plan_update(more, updated.manifest, params).mode == "nothing"

    def test_an_epoch_is_as_long_as_the_new_photographs_ask(self) -> None:
        def length(new: int, old: int, **continual: float) -> int:
            known = TrainingPhotographs(
                [""] * (new + old), [0, 1] * ((new + old) // 2), [True] * new + [False] * old, [], []
            )
            return epoch_length(known, quick_params(continual=continual))

        assert length(100, 900) == 200
        assert length(100, 900, new_share=0.25) == 400
        assert length(2, 998) == FEWEST_BATCHES * 4
        assert length(800, 200) == 1000

    def test_it_costs_what_is_new_and_draws_from_all_that_is_known(
        self, data: Path, cases: pd.DataFrame, first: ModelPackage
    ) -> None:
        known = make_cases(data, {"train": {"Nev": 60, "BCC": 60}}, batch="known")
        more = pd.concat([cases, known, make_cases(data, {"train": {"Nev": 5, "BCC": 5}}, batch="new")])
        champion = train(more[more["batch"] != "new"], data, data / "champion", quick_params(), first)
        updated = train(more, data, data / "short", quick_params(), champion)
        shown = {record["images"] for record in updated.training["history"]}
        assert {record["phase"] for record in updated.training["history"]} == {"blocks"}
        assert shown == {FEWEST_BATCHES * 4}
        assert sum(updated.training["photographs"].values()) == int((more["split"] == "train").sum())

    def test_where_no_mix_is_better_the_champion_stays_as_it_was(
        self, data: Path, cases: pd.DataFrame, first: ModelPackage
    ) -> None:
        more = pd.concat([cases, make_cases(data, {"train": {"Nev": 2}}, batch="3")])
        params = quick_params(continual={"strategy": "replay_interpolation", "interpolation": [0.0]})
        kept = train(more, data, data / "kept", params, first)
        assert equal(kept, first)
        assert set(kept.manifest["image"]) == set(first.manifest["image"])

    def test_another_backbone_or_input_is_refused_with_the_way_out(
        self, data: Path, cases: pd.DataFrame, first: ModelPackage
    ) -> None:
        more = pd.concat([cases, make_cases(data, {"train": {"Nev": 1}}, batch="4")])
        with pytest.raises(CannotTrain, match=r"image_size is 96.*continual\.strategy: joint"):
            train(more, data, data / "refused", quick_params(model={"image_size": 96}), first)

    def test_a_parent_that_learnt_from_what_was_taken_back_is_not_trained_on(
        self, cases: pd.DataFrame, first: ModelPackage
    ) -> None:
        params = quick_params()
        fewer = cases.drop(index=cases.index[cases["split"] == "train"][0])
        plan = plan_update(fewer, first.manifest, params)
        assert plan.mode == "from_anchor"
        assert usable_parent(plan, params, first, fewer) is None
        untouched = plan.model_copy(update={"removed": ("0" * 64,)})
        assert usable_parent(untouched, params, first, cases) is first
        # Another update took it back: this one removes something else, and the anchor has learnt it all the same.
        assert usable_parent(untouched, params, first, fewer) is None
