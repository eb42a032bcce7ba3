"""A registered model answers for photographs: loaded with MLflow, and served over HTTP."""

import base64
import io
import urllib.error
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydicom.uid import RLELossless

from dermai.errors import InvalidCases
from dermai.models.familiarity import fit_familiarity
from dermai.models.package import ModelPackage
from dermai.serving.classification import classify
from tests.ingest.deliveries import draw
from tests.ingest.dicom_files import dicom
from tests.ingest.heif_files import avif, heic
from tests.packages import CLASSES
from tests.serving.server import ask, serving

COLUMNS = ["predicted", "risk", *(f"p_{code}" for code in CLASSES)]


def photograph(seed: int, kind: str = "PNG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (80, 100, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def base64_text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def as_table(*contents: bytes) -> pd.DataFrame:
    return pd.DataFrame({"photograph": [base64_text(content) for content in contents]})


def test_each_photograph_gets_a_class_its_risk_and_probabilities(package):
    table = classify(ModelPackage.load(package), as_table(photograph(0), photograph(1, "JPEG"), photograph(0)))
    assert list(table.columns) == COLUMNS
    assert table.filter(like="p_").sum(axis=1).to_numpy() == pytest.approx(1)
    assert table.iloc[0].equals(table.iloc[2])
    risks = {"Nev": "normal", "BCC": "high_priority", "MM": "high_priority"}
    assert [risks[code] for code in table["predicted"]] == list(table["risk"])


def test_heic_avif_and_dicom_are_answered_as_the_picture_in_them_is(package):
    model, picture = ModelPackage.load(package), draw(1)
    answers = classify(model, as_table(dicom(picture), dicom(picture, RLELossless), heic(), avif(picture)))
    assert answers.iloc[0].equals(answers.iloc[1])
    assert len(answers) == 4


def test_a_photograph_unlike_those_that_the_model_learnt_is_marked_and_never_normal(package):
    model = replace(ModelPackage.load(package), operating_points={"MM": 0.999999, "BCC": 0.999999})
    photographs = as_table(photograph(0), photograph(1))
    features = np.random.default_rng(0).normal(0, 1, (100, 1280))
    far = fit_familiarity(features + 100, ["a"] * 100, [str(n) for n in range(100)], 0.02)
    near = replace(far, groups=tuple(replace(group, threshold=float("inf")) for group in far.groups))
    marked = classify(model.with_familiarity(far), photographs)
    assert marked["unfamiliar"].tolist() == [True, True]
    assert "normal" not in set(marked["risk"])
    familiar = classify(model.with_familiarity(near), photographs)
    assert familiar["unfamiliar"].tolist() == [False, False]
    pd.testing.assert_frame_equal(familiar.drop(columns="unfamiliar"), classify(model, photographs))


def test_the_operating_points_of_the_version_decide(package):
    model = ModelPackage.load(package)
    photographs = as_table(photograph(0))
    always, never = (model.with_operating_points({"MM": threshold, "BCC": 0.999999}) for threshold in (1e-9, 0.999999))
    assert classify(always, photographs)["predicted"].tolist() == ["MM"]
    assert classify(never, photographs)["predicted"].tolist() != ["MM"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"not a picture", "not a photograph"), (photograph(0, "JPEG")[:900], "truncated")],
)
def test_what_cannot_be_read_is_named_by_its_row(package, content, reason):
    with pytest.raises(InvalidCases, match=f"photograph 2: .*{reason}"):
        classify(ModelPackage.load(package), as_table(photograph(0), content))


def test_a_path_is_read_only_where_it_is_allowed(package, tmp_path):
    model, file = ModelPackage.load(package), tmp_path / "lesion.png"
    file.write_bytes(photograph(0))
    named = pd.DataFrame({"photograph": [str(file)]})
    assert classify(model, named, paths=True).equals(classify(model, as_table(photograph(0))))
    with pytest.raises(InvalidCases, match="photograph 1: not base64"):
        classify(model, named)


def test_mlflow_loads_and_serves_a_registered_version(registry, package, tmp_path):
    import mlflow

    version = registry.register(package, {}, "test", {}, {})
    registry.set_alias("champion", version.version)
    expected = classify(ModelPackage.load(package), as_table(photograph(0), photograph(1)))

    loaded = mlflow.pyfunc.load_model(version.uri)
    assert loaded.predict(as_table(photograph(0), photograph(1))).equals(expected)
    file = tmp_path / "lesion.png"
    file.write_bytes(photograph(0))
    local = mlflow.pyfunc.load_model("models:/dermai@champion", model_config={"paths": True})
    assert local.predict(pd.DataFrame({"photograph": [str(file)]})).equals(expected[:1])

    with serving("models:/dermai@champion", registry.workspace.tracking_uri) as port:
        served = ask(port, as_table(photograph(0), photograph(1)))[COLUMNS]
        pd.testing.assert_frame_equal(served, expected)
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(port, pd.DataFrame({"photograph": ["/etc/hostname"]}))
        assert refused.value.code == 400
        assert "photograph 1: not base64" in refused.value.read().decode()


@pytest.mark.parametrize(
    "written",
    [
        lambda text: base64.encodebytes(base64.b64decode(text)).decode(),
        lambda text: "\r\n".join(text[start : start + 64] for start in range(0, len(text), 64)),
        lambda text: f"data:image/png;base64,{text}",
        lambda text: f" data:image/png;name=a.png;base64,{text}\n",
    ],
)
def test_line_breaks_and_the_prefix_of_a_data_uri_change_no_answer(package, written):
    model, text = ModelPackage.load(package), base64_text(photograph(0))
    plain = classify(model, pd.DataFrame({"photograph": [text]}))
    assert classify(model, pd.DataFrame({"photograph": [written(text)]})).equals(plain)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "none is given"),
        (float("nan"), "none is given"),
        (7, "none is given"),
        (" ", "the file is empty"),
        ("data:image/png;base64,", "the file is empty"),
        ("data:,text", "not base64"),
        ("_-8=", "not base64"),
        ("\u0660", "not base64"),
    ],
)
def test_what_is_no_photograph_is_named_by_its_row_and_is_no_failure_of_the_server(package, value, reason):
    table = pd.DataFrame({"photograph": [base64_text(photograph(0)), value]})
    with pytest.raises(InvalidCases, match=f"photograph 2: {reason}"):
        classify(ModelPackage.load(package), table)
