"""A package's answers on lesions that it never saw: what its temperature and operating points are chosen from.

Those of a network are the validation patients'; of linear heads, every training patient's, by the sister that never saw
them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from dermai.models.calibration import apply_temperature, log_probabilities
from dermai.models.operating_points import explain_operating_points
from dermai.models.package import ModelPackage


def validation_lesions(package: ModelPackage) -> tuple[np.ndarray, np.ndarray]:
    """Mean probabilities [N, C] of each validation lesion at the package's temperature, and class indices [N].

    A diagnosis that the model does not know is -1.
    """
    names = [f"p_{code}" for code in package.classes]
    lesion_of = package.manifest.drop_duplicates("image").set_index("image")["lesion_id"]
    validation = package.validation
    table = pd.DataFrame(
        apply_temperature(log_probabilities(validation[names]), package.temperature), columns=names
    ).assign(lesion_id=validation["image"].map(lesion_of).to_numpy(), diagnosis=validation["diagnosis"].to_numpy())
    lesions = table.groupby("lesion_id", sort=False)
    index = {code: position for position, code in enumerate(package.classes)}
    labels = lesions["diagnosis"].first().map(index).fillna(-1).to_numpy(dtype=int)
    return lesions[names].mean().to_numpy(dtype=float), labels


def validation_patients(package: ModelPackage) -> list[str]:
    """Whose lesion each of `validation_lesions` is."""
    about = package.manifest.drop_duplicates("image").set_index("image")
    rows = about.loc[package.validation["image"], ["lesion_id", "patient_id"]]
    return list(rows.drop_duplicates("lesion_id")["patient_id"])


def operating_point_notes(package: ModelPackage, targets: Mapping[str, float]) -> dict[str, str]:
    """One sentence a class of `targets`: what its threshold gives on the validation lesions, or why it has none."""
    kind = "validation" if package.linear_parts is None else "out-of-fold"
    probabilities, labels = validation_lesions(package)
    return explain_operating_points(
        probabilities, labels, package.classes, targets, package.operating_points, package.call_rule, kind=kind
    )
