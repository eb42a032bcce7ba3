"""Real photographs that arrive in parts: the two streams that updates are measured on.

`pad`: PAD-UFES-20's patients in the order of the publisher's register, five arrivals of as many patients. The register
has a break: its first three fifths were biopsied, the last two hold no malignant lesion at all.
`ham`: HAM10000's acquisition sites, the oldest technique first: scanned slides (vienna_dias), MoleMax cameras
(vidir_molemax), Rosendahl's practice, the modern dermatoscopes of Vienna (vidir_modern). Actinic keratoses come with
the third site. At most `LESIONS_A_SITE` lesions of a site, the first in a seeded order.
`pad_new_class`: `pad` without seborrheic keratoses before the fourth arrival.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from dermai.config import Params
from dermai.data.cases import read_cases, trainable
from dermai.data.folds import assign_folds
from dermai.data.splits import draw_order, patient_strata
from dermai.files import write_text
from dermai.ingest.delivery import Delivery
from dermai.workspace import Workspace

PAD_ARRIVALS = 5
HAM_SITES = ("vienna_dias", "vidir_molemax", "rosendahl", "vidir_modern")
LESIONS_A_SITE = 250
SEED = 2018  # of the lesions drawn from HAM10000 and of the folds
FOLDS = 5  # test patients are one fold of five: over five repetitions each patient is tested once
WITHHELD, APPEARS = "SebKer", 4
PUBLIC_KEY = "these photographs are public, so that the key is no secret"  # the folds follow from pseudonyms
STREAMS = ("pad", "ham", "pad_new_class")


def stream_cases(name: str, photographs: Path, workspace: Workspace, params: Params) -> pd.DataFrame:
    """The trainable cases of a stream with their `arrival` (1, 2, ...); imported where they are not yet."""
    dataset = "ham" if name == "ham" else "pad"
    if not workspace.cases_file.is_file():
        _import(dataset, photographs, workspace, params)
    cases = trainable(read_cases(workspace.cases_file))
    cases["arrival"] = cases["batch"].str.removeprefix("arrival-").astype(int)
    if name == "pad_new_class":
        cases = cases[(cases["diagnosis"] != WITHHELD) | (cases["arrival"] >= APPEARS)]
    return cases.reset_index(drop=True)


def with_splits(cases: pd.DataFrame, repetition: int) -> pd.DataFrame:
    """The cases with the test patients of a repetition; the others are dealt into folds as the product deals them.

    Both within arrival and stratum (a patient's most important diagnosis).
    """
    test = set(_dealt(cases, SEED, FOLDS, repetition % FOLDS))
    rows = cases.assign(split=["test" if p in test else "train" for p in cases["patient_id"]], fold="")
    known = rows.iloc[:0]
    for arrival in sorted(rows["arrival"].unique()):
        new = rows[rows["arrival"] == arrival]
        folds = assign_folds(new, known, FOLDS, SEED + 1 + repetition)
        known = pd.concat([known, new.assign(fold=new["patient_id"].map(folds))])
    return known.sort_index()


def _dealt(cases: pd.DataFrame, seed: int, parts: int, part: int) -> Iterable[str]:
    strata = patient_strata(cases)
    arrival = cases.drop_duplicates("patient_id").set_index("patient_id")["arrival"]
    groups = strata.assign(arrival=strata["patient_id"].map(arrival)).groupby(["arrival", "stratum"], sort=True)
    turn = 0
    for _, group in groups:
        for patient in sorted(group["patient_id"], key=lambda patient: draw_order(seed, patient)):
            if turn % parts == part:
                yield patient
            turn += 1


def _import(dataset: str, photographs: Path, workspace: Workspace, params: Params) -> None:
    from dermai.ingest.ham10000 import read_ham10000
    from dermai.ingest.intake import IntakeOptions, take_in
    from dermai.ingest.pad_ufes_20 import read_pad_ufes_20

    key = workspace.root.parent / "keys" / "pseudonym.key"
    write_text(key, PUBLIC_KEY)
    key.chmod(0o600)
    os.environ["DERMAI_PSEUDONYM_KEY_FILE"] = str(key)
    if dataset == "pad":
        delivery = read_pad_ufes_20(photographs / "pad_ufes_20")
        arrivals = _by_register(delivery)
    else:
        delivery = read_ham10000(photographs / "ham10000")
        arrivals = [_some_of_site(delivery, site) for site in HAM_SITES]
    for number, patients in enumerate(arrivals, 1):
        report = take_in(delivery, workspace, params, IntakeOptions(batch=f"arrival-{number}", patients=patients))
        print(
            f"arrival {number}: {report.new.total()} photographs, {report.quarantined.total()} quarantined", flush=True
        )


def _by_register(delivery: Delivery) -> list[set[str]]:
    ordered = sorted(set(delivery.rows["patient"]), key=lambda patient: int(re.findall(r"\d+", patient)[0]))
    edges = [round(len(ordered) * part / PAD_ARRIVALS) for part in range(PAD_ARRIVALS + 1)]
    return [set(ordered[start:stop]) for start, stop in itertools.pairwise(edges)]


def _some_of_site(delivery: Delivery, site: str) -> set[str]:
    at_site = set(delivery.rows.loc[delivery.rows["site"] == site, "patient"])
    elsewhere = set(delivery.rows.loc[delivery.rows["site"] != site, "patient"])
    return set(sorted(at_site - elsewhere, key=lambda lesion: draw_order(SEED, lesion))[:LESIONS_A_SITE])
