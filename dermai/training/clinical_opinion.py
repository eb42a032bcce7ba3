"""A trained package with the clinical columns' opinion beside its network."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from dermai.config import ClinicalParams
from dermai.data.cases import trainable
from dermai.data.folds import training_roles
from dermai.models.calibration import apply_temperature, log_probabilities
from dermai.models.clinical_model import choose_strength, fit_clinical
from dermai.models.package import MANIFEST_COLUMNS, ModelPackage


def with_clinical(package: ModelPackage, cases: pd.DataFrame, params: ClinicalParams) -> ModelPackage:
    """The package with an opinion learnt from the training patients' columns, as strong as validation patients ask.

    Its validation predictions are of both together, so that temperature and operating points are chosen for what is
    served. Expects a package whose validation predictions are the photograph's alone and uncalibrated.
    """
    rows = trainable(cases)
    learnt = rows[(training_roles(rows) == "train") & rows["diagnosis"].isin(package.classes)]
    model = fit_clinical(learnt, params.columns, package.classes, params.regularisation)
    names = [f"p_{code}" for code in package.classes]
    photograph = log_probabilities(package.validation[names])
    scores = model.scores(cases.set_index("image").loc[package.validation["image"]])
    index = {code: place for place, code in enumerate(package.classes)}
    labels = package.validation["diagnosis"].map(index).fillna(-1).to_numpy(dtype=int)
    model = model.model_copy(update={"strength": choose_strength(photograph, scores, labels)})
    validation = package.validation.copy()
    validation[names] = apply_temperature(photograph + model.strength * scores, 1.0)
    manifest = pd.concat([package.manifest, learnt[list(MANIFEST_COLUMNS)]]).drop_duplicates("image")
    return replace(package, clinical=model, validation=validation, manifest=manifest.reset_index(drop=True))
