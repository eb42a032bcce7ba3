"""The page of a replay: which logged referrals a candidate would have sorted otherwise, with their photographs.

It stays on the machine: no job gives it out (`dermai.ci.report_files`), and no pipeline keeps it as an artifact.
"""

from __future__ import annotations

from pathlib import Path

from dermai.config import Params
from dermai.data.cases import photograph_path
from dermai.files import write_text
from dermai.models.package import ModelPackage
from dermai.records.referral_replay import PAGE, ReferralReplay
from dermai.report.pages import render_page
from dermai.report.thumbnails import thumbnail
from dermai.triage.referral_replay import KINDS, Replayed, replay
from dermai.triage.risk import ORDER
from dermai.triage.scoring import triage_folder
from dermai.workspace import Workspace

MOST_PICTURES = 4  # of a case


def publish_replay(
    workspace: Workspace, params: Params, package: ModelPackage, title: str, folder: Path, progress: bool = False
) -> ReferralReplay:
    """Replay the logged referrals and write `replay.html` into the folder, where any was scored; returns the counts.

    Raises:
        AuditLogDamaged: the audit log does not verify.
    """
    found = replay(workspace, params, package, progress)
    if found.counts.has_page:
        write_replay_page(folder / PAGE, found, title, triage_folder(workspace))
    return found.counts


def write_replay_page(path: Path, replayed: Replayed, title: str, photographs: Path) -> None:
    """The page; `title` says whose answers these are, `photographs` is the folder that holds them."""
    shown = {kind: [case for case in replayed.cases if case.kind == kind] for kind in KINDS}
    pictures = {
        image: thumbnail(photograph_path(photographs, image))
        for cases in shown.values()
        for case in cases
        for image in case.images[:MOST_PICTURES]
    }
    page = render_page(
        "replay.html",
        title=title,
        counts=replayed.counts,
        shown=shown,
        pictures=pictures,
        most_pictures=MOST_PICTURES,
        failures=replayed.failures,
        levels=[level.value for level in ORDER],
        simulated=any(case.site.startswith("simulated") for case in replayed.cases),
    )
    write_text(path, page)
