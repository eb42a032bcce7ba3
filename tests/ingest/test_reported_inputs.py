"""Not one module: small inputs that people reported troubles with, where they lie beside the repository."""

from __future__ import annotations

import base64
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from dermai.cli.app import application
from dermai.config import load_params
from dermai.data.cases import read_cases
from dermai.data.pseudonyms import Pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.errors import DermaiError, InvalidCases
from dermai.ingest.file_names import locate
from dermai.ingest.ham10000 import read_ham10000
from dermai.ingest.importers import Dataset
from dermai.ingest.photographs import sanitise
from dermai.ingest.unusable import UnusablePhotograph
from dermai.prediction_log.confirmations import confirm
from dermai.prediction_log.log import PredictionLog
from dermai.registry.registry import Registry
from dermai.triage.referrals import read_referrals
from dermai.triage.run import run_triage
from dermai.workspace import Workspace
from tests.conftest import REPOSITORY
from tests.ingest.deliveries import ingest
from tests.serving.server import answering
from tests.triage.champion import make_champion

CASES = REPOSITORY.parent / "shared" / "cases"
NUMBERS = SenderNumbers(Pseudonyms(b"a secret of at least 32 characters"))

ODD_TAGS = ("make_as_srational.jpg", "xres_as_ascii.jpg")
FOLDERS = sorted(folder.name for folder in CASES.iterdir() if folder.is_dir()) if CASES.is_dir() else []

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="needs ../shared/cases")


@pytest.fixture
def service(workspace: Workspace, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose champion answers anything."""
    make_champion(registry, tmp_path / "champion")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.tracking_uri)
    return workspace


@pytest.mark.parametrize(
    ("folder", "new", "reasons"),
    [
        ("csv-carriage-returns", 3, {}),
        ("file-names-nfd", 2, {}),
        ("heic", 4, {"IMG_0001.jpg": "the HEIC is damaged"}),  # which holds no picture; b.jpg is an AVIF that does
        ("ids-in-scientific-notation", 0, {f"a{place}.jpg": "rounded by a spreadsheet" for place in range(3)}),
        ("longer-than-jpeg", 3, {"long.png": "a JPEG ends at 65500 px"}),
        ("tiff-planar-16bit", 3, {"planar.tif": "separate planes"}),
    ],
)
def test_a_delivery_is_taken_and_what_is_not_is_named(
    workspace: Workspace, folder: str, new: int, reasons: dict[str, str]
) -> None:
    report = ingest(CASES / folder, workspace)
    assert report.new.total() == new
    assert {rejection.file for rejection in report.rejections} == set(reasons)
    assert all(reasons[rejection.file] in rejection.reason for rejection in report.rejections)


@pytest.mark.parametrize("name", ODD_TAGS)
def test_a_picture_with_an_odd_tag_is_taken_upright(workspace: Workspace, tmp_path: Path, name: str) -> None:
    shutil.copytree(CASES / "exif-rewritten", tmp_path / "delivery")
    table = tmp_path / "delivery" / "cases.csv"
    rows = table.read_text().splitlines()
    table.write_text("\n".join(row for row in rows if row.startswith(name) or not row.startswith(ODD_TAGS)) + "\n")
    assert ingest(tmp_path / "delivery", workspace).new.total() == 4
    assert len(read_cases(workspace.cases_file)) == 4


def test_both_pictures_with_odd_tags_are_one_picture_of_two_patients_which_names_both(workspace: Workspace) -> None:
    # The README asks for five new ones; the two show the same pixels, and the data contract takes no photograph twice
    report = ingest(CASES / "exif-rewritten", workspace)
    assert report.new.total() == 3
    assert {rejection.file for rejection in report.rejections} == set(ODD_TAGS)
    assert all("patient" in rejection.reason for rejection in report.rejections)


@pytest.mark.parametrize("folder", ["csv-nul", "csv-first-row-too-long"])
def test_a_damaged_table_is_refused_at_every_entrance(workspace: Workspace, folder: str) -> None:
    with pytest.raises(InvalidCases):
        ingest(CASES / folder, workspace)
    with pytest.raises(InvalidCases):
        read_referrals(CASES / folder, NUMBERS)
    with pytest.raises(InvalidCases):
        confirm(PredictionLog(workspace.prediction_log), CASES / folder / "cases.csv")


def test_two_columns_of_one_name_are_no_diagnoses(workspace: Workspace) -> None:
    with pytest.raises(InvalidCases, match="more than once"):
        confirm(PredictionLog(workspace.prediction_log), CASES / "confirm-two-diagnosis-columns" / "diagnoses.csv")


def test_masks_are_not_taken_for_photographs() -> None:
    with pytest.raises(InvalidCases, match=r"ISIC_0\.jpg or segmentations/ISIC_0\.png"):
        read_ham10000(CASES / "two-files-one-stem")


def test_ages_that_are_none_are_unknown_and_said() -> None:
    found = read_referrals(CASES / "age-sentinel", NUMBERS)
    assert found.rows["age"].isna().all()
    assert len(found.remarks) == 3


def test_blank_rows_of_a_spreadsheet_are_no_referrals() -> None:
    found = read_referrals(CASES / "triage-trailing-blank-row", NUMBERS)
    assert (len(found.rows), len(found.set_aside)) == (2, 0)


@pytest.mark.parametrize(
    "folder", ["heic", "longer-than-jpeg", "tiff-planar-16bit", "exif-rewritten", "file-names-nfd"]
)
def test_the_photographs_of_a_triage_are_judged_or_sent_back(folder: str) -> None:
    found = read_referrals(CASES / folder, NUMBERS)
    taken, sent_back = 0, set()
    for file in found.rows["file"]:
        try:
            sanitise(locate(CASES / folder, file), 448, 92)
            taken += 1
        except UnusablePhotograph:
            sent_back.add(file)
    assert not sent_back & {"a0.jpg", "a1.jpg", "a2.jpg"}
    assert taken == {"exif-rewritten": 5, "file-names-nfd": 2, "heic": 4}.get(folder, 3)


def test_every_folder_is_triaged_or_refused(service: Workspace, tmp_path: Path) -> None:
    params = load_params(service.params_file, {"triage.heat_maps": False})
    found = {}
    for folder in FOLDERS:
        try:
            done = run_triage(service, params, CASES / folder, tmp_path / folder, datetime.now(UTC))
            found[folder] = (done.photographs, done.scored_now, done.photographs_sent_back, done.set_aside)
        except InvalidCases:
            found[folder] = None
        shutil.rmtree(service.prediction_log, ignore_errors=True)
    without_table = {folder for folder in FOLDERS if not (CASES / folder / "cases.csv").is_file()}
    assert {folder for folder, done in found.items() if done is None} == without_table | {
        "csv-first-row-too-long",
        "csv-nul",
    }
    assert {folder: done for folder, done in found.items() if done is not None} == {
        "age-sentinel": (3, 3, 0, 0),
        "csv-carriage-returns": (3, 3, 0, 0),
        "exif-rewritten": (5, 5, 0, 0),
        "file-names-nfd": (2, 2, 0, 0),
        "heic": (5, 4, 1, 0),
        "ids-in-scientific-notation": (3, 0, 0, 3),
        "longer-than-jpeg": (4, 3, 1, 0),
        "tiff-planar-16bit": (4, 3, 1, 0),
        "triage-trailing-blank-row": (2, 2, 0, 0),
    }


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_ends_no_command_in_a_traceback(workspace: Workspace, tmp_path: Path, folder: str) -> None:
    copy = shutil.copytree(CASES / folder, tmp_path / folder)
    commands = [["ingest", str(copy)], ["confirm", str(copy)], ["restore", str(copy)]]
    commands += [["import", dataset.value, str(copy)] for dataset in Dataset]
    commands += [["confirm", str(file)] for file in sorted(copy.iterdir())]
    for command in commands:
        done = CliRunner().invoke(application, command)
        assert done.exception is None or isinstance(done.exception, DermaiError | SystemExit), (command, done.exc_info)
        if isinstance(done.exception, DermaiError):
            assert str(done.exception).strip()


def test_every_photograph_is_answered_or_refused_by_its_row_over_http(service: Workspace) -> None:
    pictures = [file for file in sorted(CASES.rglob("*")) if file.suffix in {".jpg", ".png", ".tif"}]
    refused = set()
    with answering("models:/dermai@champion") as client:
        for file in pictures:
            text = base64.b64encode(file.read_bytes()).decode()
            answer = client.post("/invocations", json={"dataframe_records": [{"photograph": text}]})
            assert answer.status_code == 200 or "photograph 1: " in answer.text, (file, answer.text)
            refused |= {file.name} if answer.status_code == 400 else set()
        request = (CASES / "serve-wrapped-base64" / "request.json").read_bytes()
        wrapped = client.post("/invocations", content=request, headers={"Content-Type": "application/json"})
    assert refused == {"IMG_0001.jpg", "long.png", "planar.tif"}
    assert len(wrapped.json()["predictions"]) == 3


def test_an_age_that_is_none_is_unknown_to_the_model() -> None:
    import numpy as np

    from dermai.models.clinical_columns import encode

    assert np.isnan(encode(pd.DataFrame({"age": [999, -1, np.inf]}), ["age"], ())).all()
