"""Update reports as runs would write them, from numbers and drawn photographs alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from dermai.continual.plan import UpdatePlan
from dermai.evaluation.metrics import evaluate
from dermai.evaluation.predictions import per_lesion, prediction_table
from dermai.gate.decision import decide
from dermai.gate.policy import GatePolicy
from dermai.gate.results import LesionResults
from dermai.report.update_content import data_summary, find_mistakes
from dermai.report.update_report import EvaluatedModel, Provenance, Role, TestSetUse, TrainingRun, UpdateReport
from dermai.taxonomy import load_taxonomy
from dermai.validation.result import FailingRow, Failure, Level, ValidationResult
from tests.evaluation.synthetic import draw_probabilities

CLASSES = load_taxonomy().codes
FREQUENCIES = np.array([0.2, 0.15, 0.18, 0.03, 0.03, 0.05, 0.05, 0.03, 0.03, 0.05, 0.05, 0.08, 0.07])
POINTS = {"MM": 0.16, "BCC": 0.22}
START = datetime(2026, 11, 23, 9, 12, tzinfo=UTC)


def draw_dataset(folder: Path, patients: int = 420, seed: int = 1) -> pd.DataFrame:
    """A case table of the 13 classes with drawn photographs of the test patients' MM and BCC."""
    random = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for patient in range(patients):
        diagnosis = str(random.choice(CLASSES, p=FREQUENCIES / FREQUENCIES.sum()))
        split = str(random.choice(["train", "validation", "test"], p=[0.55, 0.1, 0.35]))
        for photograph in range(random.integers(1, 3)):
            image = f"{(patient * 7919 + photograph + 1) * 0x9E3779B97F4A7C15 % 2**64:016x}" * 4
            rows.append(
                {
                    "image": image,
                    "case_id": f"case-{patient}-{photograph}",
                    "patient_id": f"pseudonym-{patient}",
                    "lesion_id": f"lesion-{patient}",
                    "diagnosis": diagnosis,
                    "site": f"simulated centre {'ABC'[patient % 3]}",
                    "sex": str(random.choice(["female", "male"])),
                    "age": float(random.integers(20, 90)),
                    "skin_type": str(random.integers(1, 5)),
                    "confirmed_by": "histology",
                    "view": "macroscopic",
                    "source": "dermai",
                    "split": split,
                }
            )
            if split == "test" and diagnosis in POINTS:
                draw_photograph(folder / "images" / image[:2] / f"{image}.jpg", random)
    return pd.DataFrame(rows)


def draw_photograph(path: Path, random: np.random.Generator) -> None:
    """Skin with a dark spot, and an EXIF comment that must not reach a page."""
    skin = Image.new("RGB", (448, 336), (224, 178 + int(random.integers(0, 20)), 152))
    x, y, radius = 150 + random.integers(0, 120), 110 + random.integers(0, 80), 30 + random.integers(0, 50)
    ImageDraw.Draw(skin).ellipse([x - radius, y - radius * 0.8, x + radius, y + radius * 0.8], fill=(92, 52, 40))
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x010E] = "patient name"
    skin.save(path, "JPEG", exif=exif)


def evaluated(cases: pd.DataFrame, role: Role, seed: int, skill: float) -> tuple[EvaluatedModel, pd.DataFrame]:
    """One model on the test patients, and its answers per lesion."""
    test = cases[cases["split"] == "test"]
    probabilities = draw_probabilities(test, seed, skill, CLASSES)
    photographs = prediction_table(test, probabilities, CLASSES, POINTS, rule=1)
    lesions = per_lesion(photographs, POINTS, rule=1)
    number = {"candidate": "5", "champion": "4", "anchor": "1"}[role]
    model = EvaluatedModel(
        role=role,
        version=number,
        sha256=(number * 64),
        backbone="tf_efficientnet_lite0",
        temperature=1.31,
        operating_points=POINTS,
        operating_point_notes={
            "MM": "MM: called from 16.0\u00a0% on; finds 11 of 12 validation cases (asked 90%; by the "
            "largest probability 8), specificity 91.2% (by the largest probability 97.0%)."
        },
        lesions=evaluate(lesions, CLASSES),
        photographs=evaluate(photographs, CLASSES),
    )
    return model, lesions


def training_run(mode: str = "update") -> TrainingRun:
    epochs = [
        {
            "phase": "blocks",
            "epoch": epoch,
            "loss": 2.2 * 0.86**epoch,
            "validation_loss": 1.9 * 0.93**epoch + 0.01 * epoch,
            "validation_balanced_accuracy": 0.62 - 0.3 * 0.8**epoch,
            "images": 900,
            "seconds": 11.0,
        }
        for epoch in range(1, 13)
    ]
    return TrainingRun.model_validate(
        {
            "mode": mode,
            "strategy": "replay_interpolation",
            "started_from": "package 4444444444",
            "seconds": 192.0,
            "images_per_second": 81.4,
            "peak_memory_mb": {"process": 1540},
            "device": "cpu",
            "validation_photographs": 63,
            "best_epoch": 10,
            "history": epochs,
            "interpolation": [
                {
                    "share": share,
                    "balanced_accuracy": 0.5 + 0.1 * share - 0.05 * share**2,
                    "loss": 1.2 - 0.2 * share,
                    "gated_sensitivity": {"MM": 0.75, "BCC": 0.8},
                }
                for share in (0.0, 0.25, 0.5, 0.75, 1.0)
            ],
            "interpolation_chosen": 0.75 if mode == "update" else None,
            "recipe": {"Backbone": "tf_efficientnet_lite0", "Input": "300 px, nearest", "Learning rates": "1e-4, 1e-5"},
        }
    )


def validation(passed: bool = True) -> ValidationResult:
    warning = Failure(
        check="sharpness",
        level=Level.WARNING,
        message="photographs are blurred",
        count=2,
        rows=(FailingRow(case_id="c-17", file="images/ab/ab12.jpg", value="sharpness 9.1"),),
    )
    blocking = Failure(
        check="patients_in_one_split",
        level=Level.BLOCKING,
        message="patients are in more than one split",
        count=1,
        rows=(FailingRow(case_id="c-99", file="", value="train and test"),),
    )
    return ValidationResult(
        passed=passed,
        photographs=628,
        checks=31,
        blocking=() if passed else (blocking,),
        warnings=(warning,),
        classes=(),
        flagged_share=0.0032,
        docs=Path("validation"),
    )


def example(
    folder: Path,
    skills: tuple[float, float, float] = (3.0, 2.4, 2.0),
    policy: GatePolicy | None = None,
    patients: int = 420,
    **changes: Any,
) -> UpdateReport:
    """A report with every section filled, decided by the gate; `folder` takes the drawn photographs.

    `skills` are those of candidate, champion and anchor.
    """
    cases = draw_dataset(folder, patients)
    train = cases[cases["split"] == "train"]
    manifest = pd.concat([train[train["site"] != "simulated centre C"], train.iloc[:3].assign(image="f" * 64)])
    plan = UpdatePlan(
        mode="update",
        new=tuple(train.loc[train["site"] == "simulated centre C", "image"]),
        relabelled=tuple(train["image"].iloc[:2]),
        removed=("f" * 64,),
        replay=tuple(train.loc[train["site"] == "simulated centre A", "image"]),
    )
    roles: tuple[Role, ...] = ("candidate", "champion", "anchor")
    models = {role: evaluated(cases, role, 5 + n, skills[n]) for n, role in enumerate(roles)}
    results = [LesionResults.from_table(table) for _, table in models.values()]
    policy = policy or GatePolicy()
    decision = decide(policy, *results)
    mistakes, left_out = find_mistakes({role: table for role, (_, table) in models.items()}, ("MM", "BCC"), folder)
    content: dict[str, Any] = {
        "run": "incremental_finetune-2026_11_23-09_12_44",
        "started": START,
        "finished": START + timedelta(minutes=6, seconds=20),
        "status": decision.outcome,
        "approval": policy.approval,
        "decision": decision,
        "test_set": TestSetUse(notes=("MM: 60 test patients, 25% of the error budget left after 3 uses.",)),
        "simulated": True,
        "data": data_summary(cases, plan, manifest, "a" * 32, "b" * 32),
        "training": training_run(),
        "models": tuple(model for model, _ in models.values()),
        "mistakes": mistakes,
        "mistakes_left_out": left_out,
        "validation": validation(),
        "data_docs": "../../validation/index.html",
        "provenance": Provenance(
            git_commit="0123456789abcdef0123456789abcdef01234567",
            data_version="a" * 32,
            params_sha256="c" * 64,
            profile="gpu",
            overrides={"training.first_epochs": 20, "training.optimizer": "adamw"},
            policy_sha256=policy.hash,
            package_sha256="5" * 64,
            lock_sha256="e" * 64,
            seed=20211003,
            python="3.11.7",
            hardware={"cores": "2", "accelerator": "none"},
            record_sha256="f" * 64,
        ),
    }
    return UpdateReport(**(content | changes))
