"""What windows are compared with: of a model with sisters, one fold that the answering sister never saw."""

from __future__ import annotations

import numpy as np
import pytest

from dermai.data.cases import write_cases
from dermai.models.package import ModelPackage
from dermai.triage.scoring import calibrated_validation
from dermai.workspace import Workspace
from monitoring.reference import load_reference
from tests.training.test_refit import FOLDS, arrival, linear_params, made


@pytest.fixture
def package(workspace: Workspace) -> ModelPackage:
    cases = arrival(workspace.data, Nev=12, BCC=9, MM=6)
    write_cases(workspace.cases_file, cases)
    return made(workspace, cases, linear_params())


def test_the_reference_is_one_fold_with_the_answers_of_the_sister_that_never_saw_it(
    workspace: Workspace, package: ModelPackage
) -> None:
    reference = load_reference(workspace, linear_params(), package)
    images = set(reference.known.table["image"])
    folds = dict(zip(package.validation["image"], package.validation["fold"], strict=True))
    first = min(folds.values())
    assert images == {image for image, fold in folds.items() if fold == first}
    assert len(images) == len(folds) // FOLDS
    assert package.linear_parts is not None
    learnt = package.manifest.loc[package.linear_parts.sisters[int(first)].learnt, "patient_id"]
    assert not set(reference.known.table["patient_id"]) & set(learnt)


def test_its_scores_are_calibrated_and_of_the_right_photographs(workspace: Workspace, package: ModelPackage) -> None:
    table = load_reference(workspace, linear_params(), package).known.table.set_index("image")
    names = [f"p_{code}" for code in package.classes]
    place = {image: number for number, image in enumerate(package.validation["image"])}
    expected = calibrated_validation(package)[[place[image] for image in table.index]]
    assert np.array_equal(table[names].to_numpy(), expected)
    assert list(table["predicted"]) == package.called(expected)
