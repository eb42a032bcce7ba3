"""Versions registered in each package format load, answer as they did, and serve.

`stored/` holds them as MLflow stored them, each with its own copy of `served_model.py`, which finds `dermai` under the
names of its day: those of formats 1 to 3 were registered before the rooms, those of 4 and 5 by the newer rule of calls,
5 with a summary of what it learnt. They share one weights file, which lies beside them; formats 6 to 8 have their
own and an engine, 7 linear heads on two views, with sisters and out-of-fold answers, 8 a fine-tuned network beside
them that does not know one of the classes. `answers.json` holds what they answered then, and on what machine: 1 to 5 by
torch, which rounds otherwise.
"""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from dermai.models.package import FORMAT, NEWEST_FORMAT, WEIGHTS, ModelPackage
from dermai.serving.classification import classify
from tests.serving.server import ask, serving

STORED = Path(__file__).parent / "stored"
FORMATS = range(FORMAT, NEWEST_FORMAT + 1)
WITH_CLINICAL_COLUMNS = {2, 7, 8}
RECORDED = json.loads((STORED / "answers.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def versions(tmp_path_factory) -> Path:
    """The stored versions, each with its weights in its package."""
    folder = shutil.copytree(STORED, tmp_path_factory.mktemp("stored") / "versions")
    for package in folder.glob("format_*/artifacts/p*"):
        if not (package / WEIGHTS).is_file():
            shutil.copy(folder / WEIGHTS, package)
    return folder


def photographs(package_format: int) -> pd.DataFrame:
    table = pd.DataFrame({"photograph": RECORDED["photographs"]})
    if package_format in WITH_CLINICAL_COLUMNS:
        columns = pd.DataFrame(RECORDED["clinical"]).replace("", None)
        return table.join(columns)
    return table


def assert_as_recorded(answers: pd.DataFrame, package_format: int) -> None:
    recorded = pd.DataFrame(RECORDED["answers"][str(package_format)])
    pd.testing.assert_frame_equal(answers, recorded, rtol=0, atol=1e-6)


@pytest.mark.parametrize("package_format", FORMATS)
def test_a_stored_version_answers_as_it_did(versions, package_format):
    import mlflow

    loaded = mlflow.pyfunc.load_model(str(versions / f"format_{package_format}"))
    assert_as_recorded(loaded.predict(photographs(package_format)), package_format)


@pytest.mark.parametrize("package_format", FORMATS)
def test_its_package_is_read_and_written_again_as_it_was(versions, package_format, tmp_path):
    folder = versions / f"format_{package_format}" / "artifacts" / f"p{package_format}"
    package = ModelPackage.load(folder)
    assert_as_recorded(classify(package, photographs(package_format)), package_format)
    again = package.save(tmp_path / "package")
    for file in sorted(folder.iterdir()):
        assert (again / file.name).read_bytes() == file.read_bytes(), file.name


@pytest.mark.parametrize("package_format", sorted(WITH_CLINICAL_COLUMNS))
def test_a_stored_version_is_served(versions, package_format):
    with serving(str(versions / f"format_{package_format}")) as port:
        recorded = pd.DataFrame(RECORDED["answers"][str(package_format)])
        pd.testing.assert_frame_equal(ask(port, photographs(package_format)), recorded, rtol=0, atol=1e-6)
