"""Referrals that no model answers: they are logged and read all the same, so that diagnoses can come back."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from dermai.config import Params
from dermai.models.reference_backbone import embed
from dermai.prediction_log.log import Append, PredictionLog
from dermai.taxonomy import RiskLevel
from dermai.triage.scoring import triage_folder, unscored
from dermai.workspace import Workspace

NO_MODEL = "none"  # in the prediction log, in place of a model version


def without_answers(accepted: pd.DataFrame) -> pd.DataFrame:
    """The rows of a folder as a worklist has them where no model's answer is shown: each is to be read."""
    return accepted.assign(predicted="", diagnoses="", risk=RiskLevel.PRIORITY.value)


def log_without_answers(
    accepted: pd.DataFrame,
    log: PredictionLog,
    append: Append,
    workspace: Workspace,
    params: Params,
    received: datetime,
    progress: bool = False,
) -> None:
    """Log the photographs that are not in the log yet, batch by batch, with `append` of `log.writing`."""
    from tqdm import tqdm

    rows = unscored(accepted, log.read(NO_MODEL, only=("image", set(accepted["image"]))).table, received)
    with tqdm(total=len(rows), desc="log", unit="photograph", disable=not progress) as bar:
        for first in range(0, len(rows), params.triage.batch):
            batch = rows.iloc[first : first + params.triage.batch]
            vectors = embed(list(batch["image"]), triage_folder(workspace), workspace.cache).astype(np.float32)
            append(without_answers(batch).assign(role=""), vectors, NO_MODEL)
            bar.update(len(batch))
