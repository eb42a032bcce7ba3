"""Linear heads and their sisters: nobody is judged, and nothing chosen, by a model that saw the patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dermai.config import Params
from dermai.continual.plan import plan_update
from dermai.models.inference import predict_probabilities
from dermai.models.package import ModelPackage
from dermai.models.seen_features import forget_seen
from dermai.training.candidate import train_candidate
from dermai.training.out_of_fold import with_chosen
from dermai.training.refit import refit
from dermai.training.starting_model import CannotTrain
from dermai.workspace import Workspace
from tests.training.training_data import make_cases, quick_params

FOLDS = 3


def linear_params(**sections: object) -> Params:
    return quick_params(training={"learner": "linear_heads"}, clinical={"columns": ["age", "grew"]}, **sections)


def with_folds(cases: pd.DataFrame) -> pd.DataFrame:
    """Every patient that is trained on in one of three folds, by name."""
    order = {patient: place % FOLDS for place, patient in enumerate(sorted(cases["patient_id"].unique()))}
    folds = cases["patient_id"].map(order).astype(str)
    return cases.assign(fold=folds.where(cases["split"] == "train", ""))


def arrival(data: Path, batch: str = "1", **counts: int) -> pd.DataFrame:
    cases = make_cases(data, {"train": counts, "test": dict.fromkeys(counts, 2)}, batch)
    cases["age"] = cases["diagnosis"].map({"Nev": 30.0, "BCC": 70.0, "MM": 50.0, "SebKer": 60.0})
    return with_folds(cases)


@pytest.fixture
def cases(workspace: Workspace) -> pd.DataFrame:
    return arrival(workspace.data, Nev=12, BCC=9, MM=6)


def made(
    workspace: Workspace, cases: pd.DataFrame, params: Params, champion: ModelPackage | None = None
) -> ModelPackage:
    """What an update makes; one from the anchor starts without any, so that nothing but networks may come along."""
    manifest, learnt = (champion.manifest, champion.networks) if champion else (None, None)
    plan = plan_update(cases, manifest, params, champion.training["parameters"] if champion else None, networks=learnt)
    parent = champion if plan.mode == "update" else None
    return ModelPackage.load(train_candidate(workspace, params, plan, cases, parent, champion=champion))


def assert_nobody_is_answered_by_a_model_that_saw_them(package: ModelPackage) -> None:
    """Read from the package as it is stored."""
    parts, manifest = package.linear_parts, package.manifest
    assert parts is not None
    assert package.evidence is not None
    place = {image: number for number, image in enumerate(manifest["image"])}
    patients = manifest["patient_id"].to_numpy()
    for table in (package.validation, package.evidence):
        for image, fold in zip(table["image"], table["fold"], strict=True):
            learnt = parts.sisters[int(fold)].learnt
            assert not learnt[place[image]]
            assert patients[place[image]] not in set(patients[learnt])
    if package.fine_tuned is None:
        return
    assert set(package.fine_tuned.sisters) == set(parts.sisters)
    fold = dict(zip(package.validation["image"], package.validation["fold"], strict=True))
    for network in package.fine_tuned.members.values():
        assert set(network.learnt) <= set(manifest["image"]), "nothing that was taken back"
    for number, network in package.fine_tuned.sisters.items():
        answered = {patients[place[image]] for image in fold if int(fold[image]) == number}
        assert not answered & {patients[place[image]] for image in network.learnt}


def test_colours_are_learnt_in_seconds_and_told_apart_in_new_photographs(
    workspace: Workspace, cases: pd.DataFrame
) -> None:
    package = made(workspace, cases, linear_params())
    test = cases[cases["split"] == "test"]
    found = predict_probabilities(package, list(test["image"]), workspace.data, workspace.cache, clinical=test)
    assert [package.classes[place] for place in found.argmax(axis=1)] == list(test["diagnosis"])
    assert package.training["strategy"] == "linear_heads"


def test_each_patient_is_answered_by_the_sister_that_never_saw_them(workspace: Workspace, cases: pd.DataFrame) -> None:
    package = made(workspace, cases, linear_params())
    assert sorted(package.linear_parts.sisters) == list(range(FOLDS))  # type: ignore[union-attr]
    assert set(package.validation["image"]) == set(package.evidence["image"]) == set(package.manifest["image"])  # type: ignore[index]
    assert_nobody_is_answered_by_a_model_that_saw_them(package)
    assert package.linear_parts.deployed.learnt.all()  # type: ignore[union-attr]


def test_what_a_folds_patients_have_changes_no_choice_that_their_evidence_rests_on(
    workspace: Workspace, cases: pd.DataFrame
) -> None:
    params = linear_params()
    package = made(workspace, cases, params)
    learnt = cases[cases["split"] == "train"].sort_values("image").reset_index(drop=True)
    width = sum(package.linear_parts.blocks)  # type: ignore[union-attr]
    features = np.random.default_rng(0).normal(0, 1, (len(learnt), width)).astype(np.float32)  # whatever is seen
    targets = params.gate.target_sensitivities
    own = learnt["fold"] == "1"
    other = learnt.assign(diagnosis=learnt["diagnosis"].where(~own, "BCC"))
    found = [with_chosen(package, rows, features, targets).evidence for rows in (learnt, other)]
    here, there = (table.set_index("image") for table in found if table is not None)
    answers = [name for name in here if name.startswith("p_") or name == "called"]
    mine = list(learnt.loc[own, "image"])
    assert here.loc[mine, answers].equals(there.loc[mine, answers])
    assert not here.drop(mine)[answers].equals(there.drop(mine)[answers]), "those of the others may change"


def test_a_package_answers_after_storing_as_before_and_alone_as_in_company(
    workspace: Workspace, cases: pd.DataFrame, tmp_path: Path
) -> None:
    package = made(workspace, cases, linear_params())
    again = ModelPackage.load(package.save(tmp_path / "package"))
    assert again.sha256 == package.sha256
    images, rows = list(cases["image"][:7]), cases.iloc[:7]
    together = predict_probabilities(package, images, workspace.data, workspace.cache, clinical=rows)
    for place, image in enumerate(images):
        alone = predict_probabilities(
            again, [image], workspace.data, workspace.cache, clinical=rows.iloc[place : place + 1]
        )
        assert (alone[0] == together[place]).all()


def test_an_update_ends_where_a_training_anew_ends(workspace: Workspace, cases: pd.DataFrame) -> None:
    params = linear_params()
    first = made(workspace, cases, params)
    more = pd.concat([cases, arrival(workspace.data, "2", Nev=6, BCC=6, SebKer=6)], ignore_index=True)
    update = made(workspace, more, params, first)
    assert update.training["started_from"] == f"package {first.sha256}"
    anew = refit(plan_update(more, None, params), more, workspace.data, params, None, workspace.cache, progress=False)
    assert update.classes[:3] == first.classes
    test = more[more["split"] == "test"]
    names = [f"p_{code}" for code in sorted(update.classes)]
    ours, theirs = (
        pd.DataFrame(
            predict_probabilities(package, list(test["image"]), workspace.data, workspace.cache),
            columns=[f"p_{code}" for code in package.classes],
        )[names].to_numpy()
        for package in (update, anew)
    )
    assert np.abs(ours - theirs).max() < 0.05


def test_a_photograph_without_columns_is_answered_from_the_photograph(
    workspace: Workspace, cases: pd.DataFrame
) -> None:
    package = made(workspace, cases, linear_params())
    image = [str(cases["image"][0])]
    empty = cases.iloc[:1].assign(age=np.nan, grew="")
    given = (empty, None)
    nothing, none = (
        predict_probabilities(package, image, workspace.data, workspace.cache, clinical=rows) for rows in given
    )
    assert (nothing == none).all()


@pytest.mark.parametrize("seed", range(4))
def test_over_any_history_nobody_is_answered_by_a_model_that_saw_them(workspace: Workspace, seed: int) -> None:
    """Arrivals, corrections and withdrawals in an order that the seed draws."""
    rng, params = np.random.default_rng(seed), linear_params()
    cases, package = arrival(workspace.data, Nev=8, BCC=6, MM=4), None
    for number in range(3):
        package = made(workspace, cases, params, package)
        assert_nobody_is_answered_by_a_model_that_saw_them(package)
        assert set(package.manifest["image"]) == set(cases.loc[cases["split"] == "train", "image"])
        event = rng.choice(["arrival", "correction", "withdrawal"])
        trained = cases.index[cases["split"] == "train"]
        some = rng.choice(trained, 2, replace=False)
        if event == "arrival":
            new = arrival(workspace.data, f"later-{number}", Nev=2, SebKer=3)
            cases = pd.concat([cases, new], ignore_index=True)
        elif event == "correction":
            cases.loc[some, "diagnosis"] = rng.choice(["Nev", "BCC"])
        else:
            gone = set(cases.loc[some, "patient_id"])
            cases = cases[~cases["patient_id"].isin(gone)].reset_index(drop=True)


def test_a_withdrawn_photograph_leaves_the_model_and_what_is_kept_of_it(
    workspace: Workspace, cases: pd.DataFrame
) -> None:
    params = linear_params()
    first = made(workspace, cases, params)
    gone = str(cases.loc[cases["split"] == "train", "patient_id"].iloc[0])
    images = set(cases.loc[cases["patient_id"] == gone, "image"])
    left = cases[cases["patient_id"] != gone].reset_index(drop=True)
    after = made(workspace, left, params, first)
    assert not images & set(after.manifest["image"])
    assert after.training["started_from"] == "none weights", "not from heads that learnt from the photograph"
    kept = list((workspace.cache / "features" / "seen").glob("*.index"))
    assert kept
    assert not any(image in file.read_text() for file in kept for image in images)
    forget_seen(workspace.cache, list(after.manifest["image"]))
    assert not any(file.read_text() for file in kept)


def test_one_class_cannot_be_learnt(workspace: Workspace) -> None:
    cases = arrival(workspace.data, Nev=6)
    params = linear_params()
    with pytest.raises(CannotTrain, match="two classes"):
        refit(plan_update(cases, None, params), cases, workspace.data, params, None, workspace.cache)


def test_a_diagnosis_of_a_single_patient_spoils_no_choice(workspace: Workspace) -> None:
    cases = arrival(workspace.data, Nev=12, BCC=12, MM=12, SebKer=1)
    package = made(workspace, cases, linear_params())
    assert package.fusions is not None
    assert package.fusions.alone.photograph > 0.3
    assert "SebKer" not in set(package.validation["diagnosis"]), "no sister who answers for it has seen another"
    assert "SebKer" in set(package.evidence["diagnosis"])  # type: ignore[index]
    test = cases[cases["split"] == "test"]
    found = predict_probabilities(package, list(test["image"]), workspace.data, workspace.cache, clinical=test)
    called = [package.classes[place] for place in found.argmax(axis=1)]
    assert [code for code in called if code != "SebKer"] == [code for code in test["diagnosis"] if code != "SebKer"]
