"""What triage and the inbox keep of a patient: photographs, logged answers, diagnoses that came back, entries."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from dermai.data.cases import photograph_path
from dermai.files import write_bytes
from dermai.inbox.entries import Inbox
from dermai.prediction_log.erasing import Erased, replace_parts, without_rows
from dermai.prediction_log.log import LOCK, PredictionLog
from dermai.prediction_log.signed_folder import SignedFolder
from dermai.prediction_log.signed_parts import diagnoses_of
from dermai.triage.scoring import triage_folder
from dermai.withdrawal.removals import Removal, delete
from dermai.withdrawal.traces import Traces
from dermai.workspace import Workspace

UNSIGNED = ("retakes", "set_aside")  # folders of the log whose parts no record names


def referred_photographs(workspace: Workspace, traces: Traces) -> Iterator[Removal]:
    """The photographs of referrals."""
    for image in traces.images:
        path = photograph_path(triage_folder(workspace), image)
        if path.is_file():
            yield Removal(str(path), "a photograph of a referral", partial(delete, path))


def inbox_entries(workspace: Workspace, traces: Traces) -> Iterator[Removal]:
    """Acknowledged referrals, waiting or filed."""
    names = traces.words
    for file in Inbox.of(workspace).files():
        content = file.name.encode() + file.read_bytes()
        if any(name in content for name in names):
            yield Removal(str(file), "a referral that was sent in", partial(_delete_entry, file))


def logged_answers(workspace: Workspace, traces: Traces) -> Iterator[Removal]:
    """Rows of the signed prediction log: answers, how cases were sorted, diagnoses; the other rows stay."""
    log = PredictionLog.of(workspace)
    for folder in (log.answers, log.sortings, diagnoses_of(log)):
        for part in sorted(folder.folder.glob(folder.pattern)):
            erased = _erased(part, traces)
            if erased.changed:
                why = f"{int(erased.gone.sum())} of {len(erased.gone)} rows of the prediction log, {folder.what}"
                yield Removal(str(part), why, partial(_without, folder, log.folder / LOCK, part, traces))
    for kind in UNSIGNED:
        for part in sorted((log.folder / kind).glob("*.parquet")):
            erased = _erased(part, traces)
            if erased.changed:
                left = erased.content
                remove = partial(delete, part) if left is None else partial(write_bytes, part, left)
                yield Removal(str(part), f"{int(erased.gone.sum())} rows of photographs to be taken again", remove)


def _erased(part: Path, traces: Traces) -> Erased:
    return without_rows(part, traces.identifiers, traces.spoken)


def _delete_entry(file: Path) -> None:
    file.with_suffix(".txt").unlink(missing_ok=True)  # why it was set aside
    delete(file)


def _without(folder: SignedFolder, lock: Path, part: Path, traces: Traces) -> None:
    content = _erased(part, traces).content
    reason = f"withdrawal {traces.withdrawal}: {traces.reason}"
    replace_parts(folder, lock, {part: content}, approver=traces.approver, role=traces.role, reason=reason)
