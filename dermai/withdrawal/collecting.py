"""Finding all of a patient's traces before the first goes: what is erased can tell no more where the rest lies."""

from __future__ import annotations

import base64
import hashlib
import io
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd
import pyarrow.parquet as pq

from dermai.data.cases import photograph_path, read_cases
from dermai.data.pseudonyms import Pseudonyms
from dermai.data.sender_numbers import SOURCE
from dermai.errors import DermaiError
from dermai.files import sha256_bytes, sha256_file
from dermai.inbox.entries import Inbox
from dermai.models.package import MANIFEST
from dermai.prediction_log.log import PredictionLog
from dermai.report.thumbnails import thumbnail
from dermai.triage.scoring import triage_folder
from dermai.withdrawal.deliveries import pseudonyms_of, sent_files, was_sent
from dermai.withdrawal.dvc_objects import ObjectStore, dataset_stores
from dermai.withdrawal.traces import PSEUDONYM, Traces, withdrawals_of
from dermai.workspace import Workspace

NAMES = ("patient_id", "case_id", "lesion_id", "lesion_in_case")


@dataclass(frozen=True)
class Asked:
    """Whom a withdrawal is about: a number of a source, or a pseudonym; and who answers for it."""

    patient: str
    approver: str = ""
    role: str = ""
    reason: str = ""
    source: str = SOURCE

    def pseudonyms(self, keys: Pseudonyms) -> tuple[str, ...]:
        """Every pseudonym that the patient may be stored under."""
        number = self.patient.strip()
        if PSEUDONYM.fullmatch(number):
            return (number,)
        return tuple(sorted(pseudonyms_of("patient", self.source, number, keys)))


def collect(workspace: Workspace, keys: Pseudonyms, asked: Asked) -> Traces:
    """The traces of a patient; those of an earlier withdrawal of the same patient among them, under its number.

    Raises:
        DermaiError: nothing here knows the patient.
    """
    patients = asked.pseudonyms(keys)
    earlier = withdrawals_of(workspace, patients)
    names, images, sources = (
        {n for t in earlier for n in t.names},
        {i for t in earlier for i in t.images},
        {asked.source},
    )
    for table in _tables(workspace):
        known = [name for name in NAMES if name in table]
        if "patient_id" not in table:
            continue
        mine = table[table["patient_id"].isin(patients)]
        names |= {str(name) for column in known for name in mine[column].dropna().unique()} - {""}
        images |= set(mine["image"]) if "image" in table else set()
        sources |= set(mine["source"]) - {""} if "source" in table else set()
    if not names and was_sent(workspace, asked.source, patients, keys):
        names = set(patients)  # all that came was rejected, or was never taken in
    if not names:
        raise DermaiError(
            f"nothing here knows the patient {asked.patient!r} of {asked.source}: check the number; --source names the "
            "dataset that it is of, and a pseudonym is `p` and 20 digits (`dermai find`)"
        )
    last = earlier[-1] if earlier else None
    traces = Traces(
        withdrawal=last.withdrawal if last else secrets.token_hex(8),
        patients=tuple(sorted(set(patients) & names)) or patients,
        names=tuple(sorted(names)),
        images=tuple(sorted(images)),
        sources=tuple(sorted(sources)),
        begun=last.begun if last else datetime.now(UTC).isoformat(timespec="seconds"),
        approver=asked.approver,
        role=asked.role,
        reason=asked.reason,
    )
    pictures = {picture for t in earlier for picture in t.pictures}
    pictures |= set(_pictures(workspace, traces)) | {sha256_file(file) for file in sent_files(workspace, keys, traces)}
    objects = {name for t in earlier for name in t.objects} | set(_objects(workspace, traces))
    return traces.model_copy(update={"pictures": tuple(sorted(pictures)), "objects": tuple(sorted(objects))})


def _tables(workspace: Workspace) -> Iterator[pd.DataFrame]:
    """Everything that names a patient beside photographs, cases or lesions."""
    if workspace.cases_file.is_file():
        yield read_cases(workspace.cases_file)
    for store in dataset_stores(workspace):
        yield from _earlier_case_tables(store)
    log = PredictionLog.of(workspace)
    for folder in (log.answers, log.sortings):
        for part in sorted(folder.folder.glob(folder.pattern)):
            held = pq.read_schema(part).names
            yield pq.ParquetFile(part).read([c for c in ("image", *NAMES) if c in held], use_threads=False).to_pandas()
    for entry in Inbox.of(workspace).every():
        yield pd.DataFrame(list(entry.rows)).assign(patient_id=entry.patient_id, case_id=entry.case_id)
    for file in sorted((workspace.store / "mlartifacts").rglob(MANIFEST)):
        yield pd.read_csv(file, dtype=str, keep_default_na=False)


def _earlier_case_tables(store: ObjectStore) -> Iterator[pd.DataFrame]:
    tables = {oid for version in store.versions() for oid in version.tables()}
    for oid in sorted(tables):
        if store.has(oid):
            with suppress(ValueError):  # no table
                yield pd.read_csv(io.BytesIO(store.content(oid)), dtype=str, keep_default_na=False)


def _objects(workspace: Workspace, traces: Traces) -> Iterator[str]:
    for image in traces.images:
        path = photograph_path(workspace.data, image)
        if path.is_file():
            yield hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    for store in dataset_stores(workspace):
        for version in store.versions():
            yield from version.photographs(traces)


def _pictures(workspace: Workspace, traces: Traces) -> Iterator[str]:
    """The small pictures that pages show of the photographs: made anew they are the same to the byte."""
    for image in traces.images:
        for folder in (workspace.data, triage_folder(workspace)):
            path = photograph_path(folder, image)
            if path.is_file():
                yield sha256_bytes(base64.b64decode(thumbnail(path).partition(",")[2]))
