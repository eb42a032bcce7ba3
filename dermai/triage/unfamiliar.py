"""Photographs with which a model is not to be trusted: unlike what it learnt, of a new view or site, after an alarm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.data.cases import read_cases
from dermai.errors import InvalidCases
from dermai.files import write_bytes
from dermai.language.messages import message, plural_message
from dermai.models.familiarity import Familiarity
from dermai.models.learnt_photographs import SUMMARIES, familiarity_of
from dermai.models.package import ModelPackage
from dermai.percentages import per_cent
from dermai.records.incidents import DriftAlarm
from dermai.records.log import Record
from dermai.triage.cautions import Cautions
from dermai.workspace import Workspace

UNLIKE = message("the photograph is unlike those that the model learnt")
NOT_KNOWN = message(
    "whether the photographs are like those that the model learnt is not known: its version keeps no summary"
)


def known_familiarity(package: ModelPackage, workspace: Workspace, false_flags: float) -> Familiarity | None:
    """The package's own summary; for a package of an earlier release one made from the dataset, kept in the cache.

    None where there is neither, or the dataset is damaged.
    """
    if package.familiarity is not None:
        return package.familiarity
    file = workspace.cache / SUMMARIES / f"{package.sha256[:32]}.safetensors"
    if file.is_file():
        return Familiarity.from_bytes(file.read_bytes())
    if not workspace.cases_file.is_file():
        return None
    try:
        cases = read_cases(workspace.cases_file)
        made = familiarity_of(package.manifest, cases, workspace.data, workspace.cache, false_flags)
    except InvalidCases:
        return None  # the validation names what is wrong with the dataset; triage goes on
    if made is not None:
        write_bytes(file, made.to_bytes())
    return made


def cautions_about(
    photographs: pd.DataFrame, features: NDArray[np.float32] | None, familiarity: Familiarity | None, batch_level: float
) -> Cautions:
    """What speaks against trusting the answers about these photographs.

    Beside the single ones the whole batch is tested: more patients with an unfamiliar photograph than the threshold's
    share of false flags explains (exact binomial test at `batch_level`, the first photograph of each patient).

    Args:
        photographs: `image`, `patient_id`, `view`, `site`.
        features: [N, D], in the same order; None where nothing is known.
    """
    if familiarity is None or features is None or photographs.empty:
        return Cautions()
    unlike = familiarity.unfamiliar(features)
    first = ~photographs["patient_id"].duplicated().to_numpy()
    of_batch = _of_batch(int(unlike[first].sum()), int(first.sum()), familiarity, batch_level)
    return Cautions(of_batch, _of_photographs(photographs, unlike, familiarity))


def cautions_about_each(
    photographs: pd.DataFrame, features: NDArray[np.float32] | None, familiarity: Familiarity | None
) -> dict[str, tuple[str, ...]]:
    """As `cautions_about`, of single photographs alone, by image."""
    if familiarity is None or features is None or photographs.empty:
        return {}
    return _of_photographs(photographs, familiarity.unfamiliar(features), familiarity)


def _of_photographs(
    photographs: pd.DataFrame, unlike: NDArray[np.bool_], familiarity: Familiarity
) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for image, view, site, flagged in zip(
        photographs["image"], photographs["view"], photographs["site"], unlike, strict=True
    ):
        said = found.setdefault(str(image), [])
        if flagged:
            said.append(UNLIKE)
        if view and familiarity.views and view not in familiarity.views:
            said.append(message("the model has learnt no %(view)s photograph", view=view))
        if site and familiarity.sites and site not in familiarity.sites:
            said.append(message("the model has learnt no photograph of the site %(site)s", site=site))
    return {image: tuple(dict.fromkeys(said)) for image, said in found.items() if said}


def _of_batch(unlike: int, patients: int, familiarity: Familiarity, level: float) -> tuple[str, ...]:
    from scipy.stats import binomtest

    if binomtest(unlike, patients, familiarity.false_flags, alternative="greater").pvalue > level:
        return ()
    return (
        message(
            "%(count)s of %(patients)s came with a photograph that is unlike those that the model learnt, "
            "where about %(share)s of them is usual",
            count=unlike,
            patients=plural_message("%(number)s patient", "%(number)s patients", patients),
            share=per_cent(familiarity.false_flags),
        ),
    )


def alarm_cautions(alarms: Sequence[Record[DriftAlarm]]) -> tuple[str, ...]:
    """A sentence for the open alarms; none where none is open."""
    if not alarms:
        return ()
    days = ", ".join(dict.fromkeys(alarm.time[:10] for alarm in alarms))
    return (
        plural_message(
            "%(number)s drift alarm is open (%(days)s)",
            "%(number)s drift alarms are open (%(days)s)",
            len(alarms),
            days=days,
        ),
    )
