"""The dataset without a patient: case table, photographs, what they are compared by, and DVC's record of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from dermai.data.cases import photograph_path, read_cases, write_cases
from dermai.ingest.fingerprints import FingerprintTable
from dermai.withdrawal.dvc_objects import add_data, dataset_stores
from dermai.withdrawal.removals import Removal, delete
from dermai.withdrawal.traces import Traces
from dermai.workspace import Workspace, recorded_dataset_hash


def case_table(workspace: Workspace, traces: Traces) -> Iterator[Removal]:
    """The patient's rows of `cases.csv`."""
    file = workspace.cases_file
    if not file.is_file():
        return
    cases = read_cases(file)
    mine = cases["patient_id"].isin(traces.patients) | cases["image"].isin(traces.images)
    if mine.any():
        left = cases[~mine].reset_index(drop=True)
        yield Removal(str(file), f"{int(mine.sum())} rows of the case table", lambda: write_cases(file, left))


def photographs(workspace: Workspace, traces: Traces) -> Iterator[Removal]:
    """The photographs of the dataset, and what new ones are compared with."""
    for image in traces.images:
        path = photograph_path(workspace.data, image)
        if path.is_file() or path.is_symlink():
            yield Removal(str(path), "a photograph of the dataset", partial(delete, path))
    file = workspace.state / "perceptual_hashes.npz"
    table = FingerprintTable.load(file)
    keep = ~np.isin(table.images, np.array(traces.images, dtype="S64"))
    if not keep.all():
        yield Removal(str(file), "hash and grey thumbnail of photographs", lambda: table.rows(keep).save(file))


def dataset_version(workspace: Workspace, traces: Traces) -> Iterator[Removal]:
    """`data.dvc`, where the dataset that it names holds the patient; git keeps what it named, and no photograph."""
    recorded = recorded_dataset_hash(workspace)
    if recorded is None or not (workspace.root / ".dvc").is_dir():
        return
    for store in dataset_stores(workspace):
        if any(version.oid == recorded and version.holds(traces) for version in store.versions()):
            why = "the dataset version with the patient: `dvc add data` makes the next"
            yield Removal(str(workspace.root / "data.dvc"), why, lambda: add_data(workspace))
            return


def dataset_history(workspace: Workspace, traces: Traces) -> Iterator[Removal]:
    """Every dataset version that holds the patient, in DVC's cache and remotes: photographs, case tables, listings.

    A listing goes last: it says which objects are a photograph's.
    """
    current = recorded_dataset_hash(workspace)
    for store in dataset_stores(workspace):
        tainted = [version for version in store.versions() if version.holds(traces)]
        objects = {*traces.objects, *(oid for version in tainted for oid in version.photographs(traces))}
        objects |= {oid for version in tainted for oid in version.tables() if store.names_patient(oid, traces)}
        listings = [version.oid for version in tainted if version.oid != current]
        for what, oids in (("a photograph or case table", sorted(objects)), ("a dataset version's listing", listings)):
            for oid in oids:
                if store.has(oid):
                    yield Removal(store.place(oid), f"{what} in DVC's {store.name}", partial(store.remove, oid))
