"""`dermai verify-withdrawn`: nothing of a patient is in any file, but for the records that are named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dermai.config import Params
from dermai.data.pseudonyms import Pseudonyms
from dermai.errors import DermaiError
from dermai.registry.registry import Registry
from dermai.withdrawal.collecting import Asked
from dermai.withdrawal.dvc_objects import index_folder, places_on_this_machine
from dermai.withdrawal.kept import ACCESSES, KeptPlaces, kept_places
from dermai.withdrawal.search import Find, files_below, find_traces
from dermai.withdrawal.sweeping import zenml_stores
from dermai.withdrawal.traces import Traces, withdrawals_of
from dermai.workspace import Workspace


@dataclass(frozen=True)
class Verified:
    """What a search found, how many files it looked into, and which stay by their reason."""

    finds: tuple[Find, ...]
    files: int
    kept: dict[str, str]


def verify_withdrawn(
    workspace: Workspace, params: Params, keys: Pseudonyms, asked: Asked, others: Sequence[Path] = ()
) -> Verified:
    """Search every file of the workspace, of DVC's cache and local remotes, of ZenML's local store and of `others`.

    Raises:
        DermaiError: no withdrawal of the patient is known, so nobody can say what to look for.
    """
    known = withdrawals_of(workspace, asked.pseudonyms(keys))
    if not known:
        raise DermaiError(f"no withdrawal of the patient {asked.patient!r} is known here: run `dermai withdraw` first")
    registry = Registry(workspace, params) if Registry.exists(workspace) else None
    return search(workspace, kept_places(workspace, registry), known[-1], others)


def search(workspace: Workspace, kept: KeptPlaces, traces: Traces, others: Sequence[Path] = ()) -> Verified:
    """Every file of the workspace and of what lies beside it, and what of the patient is in it."""
    finds: list[Find] = []
    held: dict[str, str] = {}
    count = 0
    for file in _everywhere(workspace, others):
        count += 1
        reason = kept.reason(file)
        tables = kept.tables(file)
        found = find_traces(file, traces, () if reason else tables)
        if tables and not found and find_traces(file, traces):
            held[_place(workspace, file)] = ACCESSES
        elif found and reason:
            held[_place(workspace, file)] = reason
        else:
            finds += found
    return Verified(tuple(finds), count, held)


def _everywhere(workspace: Workspace, others: Sequence[Path]) -> Iterator[Path]:
    places = [workspace.root, workspace.state, workspace.store, *zenml_stores(), *others]
    places += [Path(place) for place in (*places_on_this_machine(workspace), index_folder(workspace)) if place]
    seen: set[Path] = set()
    for place in places:
        if place.is_dir():
            for file in files_below(place):
                real = file.absolute()
                if real not in seen:
                    seen.add(real)
                    yield real


def _place(workspace: Workspace, file: Path) -> str:
    """Below the workspace where it lies there; without the names that it may have."""
    return str(file.parent.relative_to(workspace.root) if file.is_relative_to(workspace.root) else file.parent)
