"""Clinical columns beside the photograph: blind to what is missing, silent where nothing is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dermai.config import ClinicalParams, load_params
from dermai.errors import InvalidParams
from dermai.models.clinical_columns import encode
from dermai.models.clinical_model import choose_strength, fit_clinical
from dermai.models.inference import predict_pixels
from dermai.models.package import ModelPackage
from dermai.training.clinical_opinion import with_clinical
from tests.packages import CLASSES, make_package

COLUMNS = ("age", "sex", "body_site", "skin_type", "bleed")


def cases_of(diagnoses: list[str], seed: int = 0, split: str = "train") -> pd.DataFrame:
    """Lesions in which melanomas are old and bleed; everything else is drawn alike."""
    rng = np.random.default_rng(seed)
    melanoma = np.array(diagnoses) == "MM"
    count = len(diagnoses)
    names = [f"{split}-{seed}-{number}" for number in range(count)]
    return pd.DataFrame(
        {
            "image": names, "case_id": names, "patient_id": names, "lesion_id": names, "diagnosis": diagnoses,
            "source": "dermai", "site": "", "split": split,
            "age": np.where(melanoma, 75.0, 35.0) + rng.normal(0, 8, count),
            "sex": rng.choice(["female", "male"], count),
            "body_site": rng.choice(["face", "back"], count),
            "skin_type": rng.choice(["2", "3"], count),
            "bleed": np.where(rng.random(count) < np.where(melanoma, 0.8, 0.2), "yes", "no"),
        }
    )  # fmt: skip


def many(split: str = "train", seed: int = 0) -> pd.DataFrame:
    return cases_of(["Nev", "BCC", "MM"] * 40, seed, split)


def test_the_opinion_points_to_the_class_that_the_columns_speak_for() -> None:
    scores = fit_clinical(many(), COLUMNS, CLASSES, 10.0).scores(many(seed=1))
    called = np.array(CLASSES)[scores.argmax(axis=1)]
    melanoma = many(seed=1)["diagnosis"] == "MM"
    assert ((called == "MM") == melanoma).mean() > 0.9


def test_a_case_of_which_nothing_is_known_is_left_to_the_photograph() -> None:
    model = fit_clinical(many(), COLUMNS, CLASSES, 10.0)
    unknown = pd.DataFrame({"age": [np.nan], "sex": [""], "body_site": ["moon"], "skin_type": [None], "bleed": ["?"]})
    assert model.scores(unknown).tolist() == [[0.0] * 3]
    assert model.scores(unknown[["age"]]).tolist() == [[0.0] * 3]


def test_whether_a_value_was_recorded_teaches_nothing() -> None:
    """As in PAD-UFES-20: the sex is recorded for malignant lesions only, and says nothing itself."""
    cases = many()
    cases.loc[cases["diagnosis"] == "Nev", "sex"] = ""
    model = fit_clinical(cases, ["sex"], CLASSES, 10.0)
    there = model.scores(pd.DataFrame({"sex": ["female", "male"]})).mean(axis=0)
    absent = model.scores(pd.DataFrame({"sex": [""]}))[0]
    assert there == pytest.approx(absent, abs=0.1)


def test_a_class_without_lesions_gets_no_opinion() -> None:
    model = fit_clinical(many().query("diagnosis != 'BCC'"), COLUMNS, CLASSES, 10.0)
    scores = model.scores(many(seed=1))
    assert not scores[:, CLASSES.index("BCC")].any()
    assert scores[:, CLASSES.index("MM")] == pytest.approx(-scores[:, CLASSES.index("Nev")])


def test_validation_patients_say_how_much_the_opinion_counts() -> None:
    labels = np.arange(300) % 3
    rng = np.random.default_rng(0)
    photograph = rng.normal(0, 1, (300, 3)) + 1.5 * np.eye(3)[labels]
    informed, noise = rng.normal(0, 1, (2, 300, 3))
    assert choose_strength(photograph, informed + 1.5 * np.eye(3)[labels], labels) >= 0.75
    assert choose_strength(photograph, noise, labels) == 0
    assert choose_strength(photograph[:0], noise[:0], labels[:0]) == 0


def test_a_package_keeps_the_opinion_and_predicts_with_it(tmp_path: Path) -> None:
    validation = many("validation")
    uniform = pd.DataFrame({"image": validation["image"], "diagnosis": validation["diagnosis"]})
    uniform = uniform.assign(**{f"p_{code}": 1 / 3 for code in CLASSES})
    alone = make_package()
    package = with_clinical(
        ModelPackage(**{**vars(alone), "validation": uniform}), pd.concat([many(), validation]),
        ClinicalParams(columns=COLUMNS),
    )  # fmt: skip
    assert package.clinical is not None
    assert package.clinical.strength > 0
    assert set(many()["image"]) <= set(package.manifest["image"])
    fused = package.validation[[f"p_{code}" for code in CLASSES]].to_numpy()
    assert fused.sum(axis=1) == pytest.approx(1)
    assert (fused.argmax(axis=1) == CLASSES.index("MM"))[validation["diagnosis"] == "MM"].mean() > 0.8

    loaded = ModelPackage.load(package.save(tmp_path / "package"))
    assert loaded.clinical == package.clinical
    assert loaded.sha256 == package.sha256
    pixels = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)
    rows = cases_of(["MM", "MM"]).assign(age=[75.0, np.nan], sex="", body_site="", skin_type="", bleed=["yes", ""])

    def predict(model: ModelPackage, clinical: pd.DataFrame | None) -> np.ndarray:
        return predict_pixels(model, lambda start, stop: pixels[start:stop], 2, clinical=clinical)

    photograph, both = predict(loaded, None), predict(loaded, rows)
    assert np.array_equal(photograph, predict(alone, rows))
    assert np.array_equal(both[1], photograph[1])
    assert both[0, CLASSES.index("MM")] > photograph[0, CLASSES.index("MM")]


def test_a_column_that_leaks_the_diagnosis_is_refused(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("clinical: {columns: [age, confirmed_by]}\n")
    with pytest.raises(InvalidParams, match=r"clinical\.columns\.1"):
        load_params(tmp_path / "params.yaml")


def test_values_are_read_in_any_letter_case_and_unknown_ones_are_unknown() -> None:
    rows = pd.DataFrame({"sex": ["Male", "other"], "age": ["61", "old"]})
    assert np.isnan(encode(rows, ["sex", "age"], ())[1]).all()
    assert encode(rows, ["sex"], ())[0].tolist() == [1.0]
