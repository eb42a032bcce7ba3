"""Structured reports: what opens in highdicom says what the service knows, and refers to what is there."""

from hashlib import sha256

import highdicom as hd
import numpy as np
import pytest
from PIL import Image, ImageChops
from pydicom import dcmread
from typer.testing import CliRunner

from dermai.cli.app import application
from dermai.config import load_params
from dermai.data.cases import photograph_path
from dermai.errors import DermaiError
from dermai.exchange.dicom_export import export_report
from dermai.inbox.sent import SentPhotograph
from dermai.ingest.dicom_photographs import open_dicom
from dermai.prediction_log.log import PredictionLog
from dermai.triage.scoring import triage_folder
from tests.inbox.sent import photograph, receiving, referral, send
from tests.ingest.dicom_files import dicom
from tests.triage.champion import make_champion
from tests.triage.referrals import paint
from tests.web.reading.referred import DRAWN, refer


@pytest.fixture
def champion(registry, tmp_path):
    return make_champion(registry, tmp_path)


def referred(workspace, *photographs):
    """A case that was sent, answered and filed; its pseudonym."""
    sent = referral(*photographs)
    with receiving(workspace, load_params(workspace.params_file)) as service:
        (answer,) = send(service, sent)
        return service.acknowledged(sent, answer.request_id).case_id


def read_report(file):
    """As highdicom reads it."""
    return hd.sr.srread(file)


def contents(report):
    """Meaning and value of each item, in order."""
    found = []

    def walk(items):
        for item in items:
            name = item.ConceptNameCodeSequence[0].CodeMeaning if "ConceptNameCodeSequence" in item else ""
            if item.ValueType == "CODE":
                found.append((name, item.ConceptCodeSequence[0].CodeMeaning))
            elif item.ValueType == "NUM":
                found.append((name, float(item.MeasuredValueSequence[0].NumericValue)))
            elif item.ValueType == "TEXT":
                found.append((name, item.TextValue))
            elif item.ValueType == "UIDREF":
                found.append((name, item.UID))
            elif item.ValueType == "IMAGE":
                found.append((name, item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID))
            walk(item.get("ContentSequence", ()))

    walk(report.content)
    return found


def test_a_report_says_which_model_answered_what_of_which_photograph(workspace, champion, tmp_path):
    case = referred(workspace, photograph(tmp_path / "sent"), photograph(tmp_path / "sent", 1, "locating"))
    done = export_report(workspace, load_params(workspace.params_file), case, tmp_path / "out")
    assert [file.name for file in done.files] == ["photograph-1.dcm", "photograph-2.dcm", "report.dcm"]
    report = read_report(tmp_path / "out" / "report.dcm")
    assert (report.CompletionFlag, report.PreliminaryFlag, report.VerificationFlag) == (
        "PARTIAL", "PRELIMINARY", "UNVERIFIED"
    )  # fmt: skip
    said = contents(report)
    assert ("Algorithm Name", "dermai") in said
    assert ("Algorithm Version", champion.version) in said
    parameters = [value for name, value in said if name == "Algorithm Parameters"]
    assert f"package SHA-256 {champion.sha256}" in parameters
    assert any("does not diagnose" in value for value in parameters)
    probabilities = {name: value for name, value in said if name.startswith("Probability of")}
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-4)
    assert "Probability of Malignant melanoma" in probabilities
    assert dict(said)["Risk level"] in ("high priority", "priority", "normal")
    photographs = {dcmread(file).SOPInstanceUID for file in done.files[:2]}
    assert {value for name, value in said if name == "Source"} == photographs
    assert dict(said)["Source of Measurement"] in photographs
    assert report.PatientID.startswith("p")
    assert report.StudyInstanceUID == dcmread(done.files[0]).StudyInstanceUID


def test_a_photograph_is_the_stored_one_pixel_for_pixel_and_the_same_each_time(workspace, champion, tmp_path):
    case = referred(workspace, photograph(tmp_path / "sent"))
    params = load_params(workspace.params_file)
    first = export_report(workspace, params, case, tmp_path / "one").files[0]
    second = export_report(workspace, params, case, tmp_path / "two").files[0]
    assert first.read_bytes() == second.read_bytes()
    image = PredictionLog.of(workspace).referred(case_id=[case])["image"].iloc[0]
    stored = Image.open(photograph_path(triage_folder(workspace), image)).convert("RGB")
    assert ImageChops.difference(open_dicom(first).convert("RGB"), stored).getbbox() is None
    assert "BurnedInAnnotation" not in dcmread(first)  # whether writing is in the picture nobody looked
    content = first.read_bytes()
    assert not any(word in content for word in (b"A-1", b"P-1", b"Porto"))


def test_where_the_originals_are_given_the_report_is_of_their_patient_and_study(workspace, champion, tmp_path):
    sent = tmp_path / "sent"
    sent.mkdir()
    study = {"StudyInstanceUID": "1.2.3.4", "SeriesInstanceUID": "1.2.3.5", "SOPInstanceUID": "1.2.3.6"}
    content = dicom(paint(np.random.default_rng(5)), **study)
    (sent / "lesion.dcm").write_bytes(content)
    (sent / "other.dcm").write_bytes(dicom(paint(np.random.default_rng(6))))
    (sent / "readme.txt").write_text("no photograph")
    case = referred(workspace, SentPhotograph(sent / "lesion.dcm", sha256(content).hexdigest(), "close_up"))
    params = load_params(workspace.params_file)
    done = export_report(workspace, params, case, tmp_path / "out", [sent])
    assert ([file.name for file in done.files], done.originals) == (["report.dcm"], 1)
    report = read_report(done.files[0])
    assert (report.PatientID, report.StudyInstanceUID) == ("SecretNumber", "1.2.3.4")
    assert dict(contents(report))["Source of Measurement"] == "1.2.3.6"
    with pytest.raises(DermaiError, match="lies in the workspace"):
        export_report(workspace, params, case, workspace.root / "out", [sent])
    with pytest.raises(DermaiError, match="none of the files is a photograph of"):
        export_report(workspace, params, case, tmp_path / "out", [sent / "other.dcm"])
    with pytest.raises(DermaiError, match="is not there"):
        export_report(workspace, params, case, tmp_path / "out", [sent / "gone.dcm"])


def test_the_command_takes_the_sender_s_number_and_names_the_files(workspace, champion, tmp_path):
    referred(workspace, photograph(tmp_path / "sent"))
    run = CliRunner().invoke(application, ["report-dicom", "A-1", "--output", str(tmp_path / "out")])
    assert run.exit_code == 0, run.exception
    assert run.output.split() == [str(tmp_path / "out" / name) for name in ("photograph-1.dcm", "report.dcm")]
    unknown = CliRunner().invoke(application, ["report-dicom", "A-404", "--output", str(tmp_path / "out")])
    assert "no case of the worklist" in str(unknown.exception)


def test_a_case_that_was_drawn_for_a_second_reading_has_no_report_before_it_is_read(workspace, tmp_path):
    refer(workspace)
    params = load_params(workspace.params_file)
    with pytest.raises(DermaiError, match="read without the model's answer"):
        export_report(workspace, params, DRAWN, tmp_path / "out")
    with pytest.raises(DermaiError, match="records name no package"):  # of a version that nobody registered
        export_report(workspace, params, "c1", tmp_path / "out")
    assert not (tmp_path / "out").exists()
