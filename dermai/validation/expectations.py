"""The checks, as Great Expectations' expectations with a level and a sentence in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dermai.config import Params
from dermai.data.cases import ANSWERS, COLUMNS, OLDEST_AGE, REQUIRED, SEXES, SPLITS, SYMPTOMS, VIEWS
from dermai.percentages import per_cent
from dermai.taxonomy import load_taxonomy
from dermai.validation.result import Level

BLOCKING, WARNING = Level.BLOCKING, Level.WARNING


@dataclass(frozen=True)
class Check:
    """One expectation: its class in `great_expectations.expectations`, its arguments, and what its failure means."""

    name: str
    level: Level
    message: str
    expectation: str
    arguments: dict[str, Any]


def schema_checks() -> list[Check]:
    """What must hold before a row can be looked at."""
    return [
        Check("columns", BLOCKING, "the case table has other columns than the data contract",
              "ExpectTableColumnsToMatchOrderedList", {"column_list": list(COLUMNS)}),
        Check("rows", BLOCKING, "the case table has no rows", "ExpectTableRowCountToBeBetween", {"min_value": 1}),
    ]  # fmt: skip


def case_checks(params: Params) -> list[Check]:
    """What must hold for every row of the annotated case table."""
    taxonomy, limits = load_taxonomy(), params.validation
    allowed = {
        "diagnosis": [*taxonomy.codes, ""],
        "source": list(taxonomy.sources),
        "view": [*VIEWS, ""],
        "sex": [*SEXES, ""],
        "split": list(SPLITS),
        "skin_type": ["", *"123456"],
        **{name: [*ANSWERS, ""] for name in SYMPTOMS},
    }
    checks = [
        Check(f"{name}_given", BLOCKING, f"{name} is empty", "ExpectColumnValuesToNotBeInSet",
              {"column": name, "value_set": [""]})
        for name in REQUIRED
    ]  # fmt: skip
    checks += [
        Check(f"{name}_known", BLOCKING, f"unknown {name}", "ExpectColumnValuesToBeInSet",
              {"column": name, "value_set": values})
        for name, values in allowed.items()
    ]  # fmt: skip
    checks += [
        Check("image_is_hash", BLOCKING, "image is not a content hash", "ExpectColumnValuesToMatchRegex",
              {"column": "image", "regex": r"^[0-9a-f]{64}\Z"}),
        Check("image_once", BLOCKING, "the photograph stands in the table twice", "ExpectColumnValuesToBeUnique",
              {"column": "image"}),
        Check("age_range", BLOCKING, f"age is not in 0 to {OLDEST_AGE}", "ExpectColumnValuesToBeBetween",
              {"column": "age", "min_value": 0, "max_value": OLDEST_AGE}),
        Check("acquired_on_date", BLOCKING, "acquired_on is not a date like 2026-03-01",
              "ExpectColumnValuesToMatchStrftimeFormat", {"column": "acquired_on", "strftime_format": "%Y-%m-%d"}),
        _only_value("patient_in_one_split", "a patient is in more than one split", "patient_splits", ""),
        _only_value("patient_in_one_fold", "a patient is in more than one fold", "patient_folds", ""),
        _only_value(
            "fold_of_its_split", "a test patient has a fold, or a patient to train on none", "fold_against_split", ""
        ),
        Check("fold_known", BLOCKING, "fold is not a number from 0 on", "ExpectColumnValuesToMatchRegex",
              {"column": "fold", "regex": r"^[0-9]?\Z"}),
        _only_value("lesion_of_one_patient", "a lesion belongs to more than one patient", "lesion_patients", ""),
        _only_value("lesion_has_one_diagnosis", "a lesion has more than one diagnosis", "lesion_diagnoses", ""),
        _only_value("case_of_one_patient", "a case id belongs to more than one patient", "case_patients", ""),
        _only_value("file_is_sound", "a photograph cannot be used", "file_problem", ""),
        _only_value("same_shot_in_one_split", "a near-duplicate lies in another split", "same_shot_in_other_split", ""),
        Check("photograph_size", BLOCKING, f"the shorter side is under {limits.smallest_side} px",
              "ExpectColumnValuesToBeBetween", {"column": "shorter_side", "min_value": limits.smallest_side}),
        Check("same_shot_of_one_patient", WARNING, "two patients have the same shot",
              "ExpectColumnValuesToBeInSet", {"column": "same_shot_of_other_patient", "value_set": [""]}),
        Check("label_map", WARNING, "the diagnosis differs from what the label map says today",
              "ExpectColumnValuesToBeInSet", {"column": "expected_diagnosis", "value_set": ["as recorded"]}),
        Check("sharpness", WARNING, f"blurred: sharpness under {limits.least_sharpness:g}",
              "ExpectColumnValuesToBeBetween", {"column": "sharpness", "min_value": limits.least_sharpness}),
        Check("exposure", WARNING, f"too dark or too bright: luminance not in {limits.darkest:g} to "
              f"{limits.brightest:g}", "ExpectColumnValuesToBeBetween",
              {"column": "brightness", "min_value": limits.darkest, "max_value": limits.brightest}),
    ]  # fmt: skip
    return checks


def class_checks(params: Params, earlier: str = "") -> list[Check]:
    """What must or should hold for every diagnosis; `earlier` names the last update, where there was one."""
    fewest = params.validation.fewest_cases_per_class
    kept = [
        _only_value("class_kept_its_cases", f"a class has lost its cases since {earlier}: correct the labels or bring "
                    "the cases back; if it is meant, name the class in validation.classes_given_up", "lost", ""),
        Check("class_kept_half", WARNING, "a class has lost more than half of its training photographs since "
              f"{earlier}",
              "ExpectColumnValuesToBeInSet", {"column": "shrunk", "value_set": [""]}),
    ]  # fmt: skip
    return [
        *(kept if earlier else ()),
        Check("class_train_patients", WARNING, f"fewer than {fewest} patients to train on",
              "ExpectColumnValuesToBeBetween", {"column": "train_patients", "min_value": fewest}),
        Check("class_patients", WARNING, "one patient only: the class cannot be both trained and tested",
              "ExpectColumnValuesToBeBetween", {"column": "patients", "min_value": 2}),
        Check("class_test_patients", WARNING, "no test patient: the class cannot be evaluated, and where the gate "
              "watches it, the gate can only say that the evidence is insufficient",
              "ExpectColumnValuesToBeBetween", {"column": "test_patients", "min_value": 1}),
    ]  # fmt: skip


def dataset_checks(params: Params) -> list[Check]:
    """What must hold for the dataset as a whole; one row."""
    most = params.validation.most_flagged
    return [
        Check("classes", BLOCKING, "fewer than two classes have cases to train on", "ExpectColumnValuesToBeBetween",
              {"column": "trainable_classes", "min_value": 2}),
        Check("test_patients", BLOCKING, "no test patient has a diagnosis, so that no model could be judged: "
              "import more patients", "ExpectColumnValuesToBeBetween", {"column": "test_patients", "min_value": 1}),
        Check("flagged_share", BLOCKING, f"more than {per_cent(most)} of the photographs are blurred, dark or bright",
              "ExpectColumnValuesToBeBetween", {"column": "flagged_share", "max_value": most}),
    ]  # fmt: skip


def _only_value(name: str, message: str, column: str, value: object) -> Check:
    return Check(name, BLOCKING, message, "ExpectColumnValuesToBeInSet", {"column": column, "value_set": [value]})
