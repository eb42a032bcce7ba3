"""The way of a delivery into the dataset: check, sanitise, compare, split, append; what fails is quarantined."""

from __future__ import annotations

import os
import re
import secrets
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from dermai.config import Params
from dermai.data.cases import COLUMNS, case_problems, write_cases
from dermai.data.folds import assign_folds
from dermai.data.pseudonyms import Pseudonyms, key_file, load_pseudonyms
from dermai.data.splits import assign_splits
from dermai.errors import InvalidCases
from dermai.files import sha256_bytes
from dermai.ingest.clinical_values import clinical_values
from dermai.ingest.corrections import (
    better_confirmed,
    confirm_diagnoses,
    confirmation_lines,
    correct_diagnoses,
    correction_lines,
    other_diagnosis_of_lesion,
)
from dermai.ingest.decoding import decode
from dermai.ingest.delivery import Delivery
from dermai.ingest.fingerprints import Fingerprint, FingerprintTable, dataset_fingerprints
from dermai.ingest.intake_report import IntakeReport, by_class
from dermai.ingest.licences import refused_licences
from dermai.ingest.near_duplicates import near_duplicates
from dermai.ingest.one_intake import alone, known_cases, room_for
from dermai.ingest.quarantine import Rejection, quarantine
from dermai.ingest.row_checks import (
    Problems,
    conflicts_with_known,
    known_at_other_sites,
    one_spelling,
    row_notes,
    row_problems,
)
from dermai.ingest.same_photographs import (
    compare_identical,
    compare_near,
    delivered_shots,
    kept_under_another_case,
    known_shots,
)
from dermai.ingest.selection import select_patients
from dermai.ingest.store import sweep, sync_photographs
from dermai.ingest.translation import translated
from dermai.workspace import Workspace


@dataclass(frozen=True)
class IntakeOptions:
    """What the caller chooses."""

    batch: str = ""
    patients: Collection[str] | None = None
    share: tuple[float, float] | None = None
    workers: int = 0
    dry_run: bool = False
    correct_labels: bool = False


@dataclass
class _Sorting:
    """The rows of a delivery, taken apart step by step."""

    rows: pd.DataFrame  # still in the running
    rejected: dict[int, tuple[str, str]] = field(default_factory=dict)
    known: list[int] = field(default_factory=list)

    def reject(self, problems: Problems) -> None:
        self.rejected.update(problems)
        self.rows = self.rows.drop(index=list(problems))

    def recognise(self, rows: list[int]) -> None:
        self.known += rows
        self.rows = self.rows.drop(index=rows)


def take_in(
    delivery: Delivery,
    workspace: Workspace,
    params: Params,
    options: IntakeOptions | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> IntakeReport:
    """Append a delivery's new photographs to the dataset; killed at any point, the case table is as before or whole.

    Raises:
        InvalidCases: the delivery as a whole is unusable, or the dataset breaks its contract.
        DatasetMismatch: data.dvc names a dataset that is not here.
        DermaiError: another intake is running, the disk is full, or the pseudonym key is not the workspace's.
    """
    options = options or IntakeOptions()
    rows = select_patients(delivery.rows, options.patients, options.share, params.seed)
    batch = _batch_name(options.batch) if options.batch else f"{delivery.source}-{_content_hash(rows)}"
    if options.dry_run:
        return _Intake(delivery, workspace, params, options, batch, progress).run(rows)
    with alone(workspace), room_for(workspace):
        return _Intake(delivery, workspace, params, options, batch, progress).run(rows)


class _Intake:
    def __init__(
        self,
        delivery: Delivery,
        workspace: Workspace,
        params: Params,
        options: IntakeOptions,
        batch: str,
        progress: Callable[[int, int], None],
    ) -> None:
        self.delivery = delivery
        self.workspace = workspace
        self.params = params
        self.options = options
        self.batch = batch
        self.progress = progress
        self.workers = options.workers or os.cpu_count() or 1
        self.notes = list(delivery.notes)

    def run(self, delivered: pd.DataFrame) -> IntakeReport:
        known = known_cases(self.workspace)
        before = known.copy()
        pseudonyms = self._pseudonyms()
        values = clinical_values(delivered)
        self.notes += row_notes(values)
        sorting = _Sorting(values.rows.assign(site=one_spelling(values.rows["site"], known["site"])))
        sorting.reject(row_problems(values))
        sorting.reject(refused_licences(sorting.rows, self.params.data.licences))
        sorting.rows = translated(sorting.rows, pseudonyms, known, self.batch)
        sorting.reject(conflicts_with_known(sorting.rows, known))
        self.notes += known_at_other_sites(sorting.rows, known)

        store = None if self.options.dry_run else self.workspace.data
        decoded = decode(
            sorting.rows["file"], self.delivery.folder.resolve(), store, self.params, self.workers, self.progress
        )
        sorting.reject(decoded.problems)
        sorting.rows = sorting.rows.assign(image=decoded.images)
        identical = compare_identical(delivered_shots(sorting.rows), known_shots(known))
        corrections = sorting.rows.loc[identical.corrected]
        confirmed = better_confirmed(sorting.rows.loc[identical.known], known)
        corrected = [*correction_lines(corrections, known), *confirmation_lines(confirmed, known)]
        if self.options.correct_labels:
            known = confirm_diagnoses(correct_diagnoses(known, corrections), confirmed)
        self.notes += kept_under_another_case(sorting.rows, identical.known, known)
        sorting.reject(identical.problems)
        sorting.recognise([*identical.known, *identical.corrected])
        sorting.reject(other_diagnosis_of_lesion(sorting.rows, known))
        self.notes += identical.notes

        table = dataset_fingerprints(self.workspace.data, self._fingerprint_file, known["image"], self.workers)
        table = self._refuse_near_duplicates(sorting, known, table, decoded.fingerprints)
        cases = self._appended(sorting.rows, known)
        changed = not cases.equals(before)
        rejections = sorted(
            Rejection(delivered["file"][row], delivered["case"][row], *why) for row, why in sorting.rejected.items()
        )
        if not self.options.dry_run:
            self._write(cases, changed, table, rejections, delivered)
        new = cases.iloc[len(known) :]
        return IntakeReport(
            source=self.delivery.source,
            batch=self.batch,
            new=by_class(delivered.loc[sorting.rows.index]),
            known=by_class(delivered.loc[sorting.known]),
            quarantined=by_class(delivered.loc[list(sorting.rejected)]),
            corrected=corrected,
            corrections_applied=self.options.correct_labels,
            rejections=rejections,
            notes=self.notes,
            splits=Counter(new["split"]),
            changed=changed,
            dry_run=self.options.dry_run,
        )

    def _pseudonyms(self) -> Pseudonyms:
        if self.options.dry_run and not key_file().exists():
            return Pseudonyms(secrets.token_bytes(32))  # a rehearsal makes no key
        return load_pseudonyms(self.workspace, record=not self.options.dry_run)

    @property
    def _fingerprint_file(self) -> Path:
        return self.workspace.state / "perceptual_hashes.npz"

    def _refuse_near_duplicates(
        self, sorting: _Sorting, known: pd.DataFrame, table: FingerprintTable, fingerprints: dict[str, Fingerprint]
    ) -> FingerprintTable:
        """Reject contradicting near-duplicates; the fingerprints of the dataset with what is left."""
        arriving = FingerprintTable.build((image, fingerprints[image]) for image in sorting.rows["image"])
        together = table.followed_by(arriving)
        found = near_duplicates(together, self.params.data.near_duplicate_bits, first_new=len(table))
        pairs = [(together.images[a].decode(), together.images[b].decode()) for a, b in found]
        near = compare_near(delivered_shots(sorting.rows), known_shots(known), pairs)
        sorting.reject(near.problems)
        self.notes += near.notes
        kept = sorting.rows["image"].to_numpy().astype("S64")
        return table.followed_by(arriving.rows(np.isin(arriving.images, kept)))

    def _appended(self, rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
        """The case table with the new rows at its end."""
        if rows.empty:
            return known
        splits = assign_splits(rows, known, self.params.data, self.params.seed)
        rows = rows.assign(split=rows["patient_id"].map(splits), age=pd.to_numeric(rows["age"]))
        folds = assign_folds(rows, known, self.params.data.folds, self.params.seed)
        rows = rows.assign(fold=rows["patient_id"].map(folds))
        new = rows[list(COLUMNS)].sort_values("image")
        cases = new if known.empty else pd.concat([known, new], ignore_index=True)
        problems = case_problems(cases.reset_index(drop=True))
        if problems:
            raise InvalidCases(f"nothing was imported, the result would break the contract: {problems[0]}")
        return cases.reset_index(drop=True)

    def _write(
        self,
        cases: pd.DataFrame,
        changed: bool,
        table: FingerprintTable,
        rejections: list[Rejection],
        delivered: pd.DataFrame,
    ) -> None:
        """Rejections first, then the photographs for good, then the case table at once; the rest can be redone."""
        quarantine(
            self.workspace.quarantine / self.batch,
            self.delivery.folder.resolve(),
            rejections,
            set(delivered["file"]),
        )
        if changed:
            sync_photographs()
            write_cases(self.workspace.cases_file, cases)
        sweep(self.workspace.data, set(cases["image"]))
        table.save(self._fingerprint_file)


def _content_hash(rows: pd.DataFrame) -> str:
    """The same for the same delivery, so that importing it again leads to the same batch."""
    table = rows.to_csv(index=False, lineterminator="\n")
    return sha256_bytes(table.encode("utf-8", "surrogateescape"))[:8]  # file names need not be UTF-8


def _batch_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}", name):
        raise InvalidCases(f"batch name {name!r}: use letters, digits, dots, hyphens and underscores")
    return name
