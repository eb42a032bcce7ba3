"""Sisters answer under their own choices, and those are stored with them."""

from __future__ import annotations

import pandas as pd

from dermai.models.package import ModelPackage
from dermai.models.seen_features import package_features
from dermai.models.sister_answers import evidence_answers, sister_calls
from dermai.workspace import Workspace
from tests.training.test_refit import arrival, linear_params, made


def test_the_stored_sisters_give_the_stored_evidence(workspace: Workspace) -> None:
    cases = arrival(workspace.data, Nev=12, BCC=9, MM=9)
    package = made(workspace, cases, linear_params())
    again = ModelPackage.load(package.save(workspace.root / "again"))
    learnt = cases[cases["split"] == "train"].sort_values("image").reset_index(drop=True)
    features = package_features(again, list(learnt["image"]), workspace.data, workspace.cache)
    found = evidence_answers(again, learnt, features).set_index("image").sort_index()
    assert package.evidence is not None
    stored = package.evidence.set_index("image").sort_index()[found.columns].astype({"fold": str})
    pd.testing.assert_frame_equal(found, stored, check_dtype=False, check_exact=True)


def test_every_sister_calls_each_lesion_of_patients_whom_none_has_learnt(workspace: Workspace) -> None:
    cases = arrival(workspace.data, Nev=12, BCC=9, MM=9)
    package = made(workspace, cases, linear_params())
    test = cases[cases["split"] == "test"].reset_index(drop=True)
    features = package_features(package, list(test["image"]), workspace.data, workspace.cache)
    calls = sister_calls(package, test, features)
    assert list(calls.columns) == ["0", "1", "2"]
    assert set(calls.index) == set(test["lesion_id"])
    assert set(calls.to_numpy().ravel()) <= set(package.classes)
