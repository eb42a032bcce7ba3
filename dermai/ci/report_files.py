"""What a job gives out of the hospital's network: the summary, the decision and the report, without photographs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from dermai.ci.outcome import JobOutcome
from dermai.ci.summary import summary
from dermai.files import write_text
from dermai.records.referral_replay import PAGE
from dermai.workspace import Workspace

SUMMARY, REPORT = "summary.md", "report.html"
LEFT_IN = ("test_predictions.parquet", PAGE)  # one row a patient's photograph; the photographs of referrals
PHOTOGRAPH = re.compile(r"data:image/(?:jpeg|png|webp);base64,[A-Za-z0-9+/=]+")
PSEUDONYM = re.compile(r"\b[cpl][0-9a-f]{20}\b")
KINDS = {"c": "a case", "p": "a patient", "l": "a lesion"}
IN_ITS_PLACE = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='160' height='24'%3E"
    "%3Ctext y='16' font-size='12'%3Ephotograph left out%3C/text%3E%3C/svg%3E"
)


def collect(workspace: Workspace, outcome: JobOutcome, folder: Path, photographs: bool = False) -> Path:
    """Put the summary and, where the attempt came to one, its report into a folder; returns the summary's file.

    The photographs in the report are left out unless asked for: a job's artifacts go to where the workflow runs from.
    """
    shutil.rmtree(folder, ignore_errors=True)
    if outcome.record:
        made = workspace.store / Path(outcome.record.report).parent
        if made.is_dir():
            shutil.copytree(made, folder, ignore=shutil.ignore_patterns(*LEFT_IN))
            page = folder / REPORT
            if page.is_file() and not photographs:
                write_text(page, without_photographs(page.read_text(encoding="utf-8")))
    write_text(folder / SUMMARY, summary(outcome))
    return folder / SUMMARY


def without_pseudonyms(page: str) -> str:
    """A page or table of figures that names no case, patient or lesion.

    >>> without_pseudonyms("case c0123456789abcdef0123 of P-1, commit c0123456789abcdef0123456789")
    'case (a case) of P-1, commit c0123456789abcdef0123456789'
    """
    return PSEUDONYM.sub(lambda found: f"({KINDS[found[0][0]]})", page)


def without_photographs(page: str) -> str:
    """A report's page with a note in the place of every photograph; its plots are drawn, and stay."""
    return PHOTOGRAPH.sub(IN_ITS_PLACE, page)
