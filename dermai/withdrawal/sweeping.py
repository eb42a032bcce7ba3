"""Whatever else holds the patient: caches, pages, stores of runs and packages that no version needs any more."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from dermai.registry.mlflow_store import sqlite_file
from dermai.training.withdrawal import forget_withdrawn
from dermai.withdrawal.contents import PARQUET, SQLITE, begins_with
from dermai.withdrawal.databases import redact_database
from dermai.withdrawal.dvc_objects import index_folder
from dermai.withdrawal.kept import KeptPlaces
from dermai.withdrawal.removals import Removal, delete
from dermai.withdrawal.search import files_below, find_traces
from dermai.withdrawal.text import TEXTS, drop_rows, redact
from dermai.withdrawal.traces import Traces
from dermai.workspace import Workspace

CONFIRM_FIRST = "confirm_first"  # below the state: the hash of each list is signed, so none is left in part
STORED_MODEL = "m-"  # MLflow's folders of models begin so


def caches(workspace: Workspace, traces: Traces) -> Iterator[Removal]:
    """Decoded pixels, activations and features of the photographs; of other caches the files that name the patient."""
    cache = workspace.cache
    found = [file for file in files_below(cache) if find_traces(file, traces)] if cache.is_dir() else []
    if not found:
        return

    def forget() -> None:
        forget_withdrawn(cache, traces.images)
        for file in found:
            if file.exists() and find_traces(file, traces):
                _delete_record(file)

    yield Removal(str(cache), f"pixels, features and other caches ({len(found)} files), made anew when needed", forget)


def index_of_dvc(workspace: Workspace, traces: Traces) -> Iterator[Removal]:
    """DVC's index of names and hashes, which lies outside the workspace and is made anew."""
    folder = Path(index_folder(workspace) or os.devnull)
    if folder.is_dir() and any(find_traces(file, traces) for file in files_below(folder)):
        yield Removal(str(folder), "DVC's index of files, made anew when needed", partial(shutil.rmtree, folder, True))


def everything_else(workspace: Workspace, kept: KeptPlaces, traces: Traces) -> Iterator[Removal]:
    """What is left below the state, the reports, the local stores of MLflow and ZenML.

    Texts and databases lose the patient's names, pages all their photographs, tables the patient's rows; another file
    goes as a whole.
    """
    for folder in swept_folders(workspace):
        for file in files_below(folder) if folder.is_dir() else [folder]:
            # Parts of the log have a step of their own: their hashes are signed
            signed = file.is_relative_to(workspace.prediction_log) and file.suffix == ".parquet"
            if kept.reason(file) or kept.tables(file) or signed or file.is_relative_to(workspace.cache):
                continue
            if find_traces(file, traces):
                yield _removal(workspace, file, traces)


def swept_folders(workspace: Workspace) -> list[Path]:
    """Folders that dermai and its tools fill by themselves, none within another."""
    places = [workspace.state, workspace.reports, workspace.store / "mlartifacts", *zenml_stores()]
    if store := sqlite_file(workspace.tracking_uri):
        places.append(store)
    there = sorted({place for place in places if place.exists()})
    return [place for place in there if not any(place != other and place.is_relative_to(other) for other in there)]


def zenml_stores() -> list[Path]:
    """Where ZenML keeps the artifacts of runs on this machine; those behind a server are not looked at."""
    named = os.environ.get("ZENML_LOCAL_STORES_PATH")
    if named:
        return [Path(named)]
    import click

    return [Path(os.environ.get("ZENML_CONFIG_PATH") or click.get_app_dir("zenml")) / "local_stores"]


def _removal(workspace: Workspace, file: Path, traces: Traces) -> Removal:
    whole_package = next((parent for parent in file.parents if parent.name.startswith(STORED_MODEL)), None)
    if whole_package and whole_package.is_relative_to(workspace.store / "mlartifacts"):
        return Removal(
            str(whole_package), "a package of a deleted version", partial(shutil.rmtree, whole_package, True)
        )
    if begins_with(file, SQLITE):
        return Removal(str(file), "names in a database", partial(redact_database, file, traces))
    if begins_with(file, PARQUET):  # whatever it is called: ZenML's end in .gzip
        return Removal(str(file), "rows of a table", partial(drop_rows, file, traces))
    if file.suffix in TEXTS and file.parent.name != CONFIRM_FIRST and not _named_after(file, traces):
        return Removal(str(file), "names, and photographs on pages", partial(redact, file, traces))
    return Removal(str(file), "a file with the patient in it", partial(delete, file))


def _named_after(file: Path, traces: Traces) -> bool:
    return any(word.decode() in file.name for word in traces.words)


def _delete_record(file: Path) -> None:
    """A file of a cache; of one in two parts both, as neither is of use alone."""
    for suffix in (".index", ".data"):
        if file.suffix in (".index", ".data"):
            delete(file.with_suffix(suffix))
    delete(file)
