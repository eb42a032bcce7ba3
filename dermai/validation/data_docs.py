"""Great Expectations' Data Docs made to stand alone: its pages ask content networks for style and script.

Scripts go, remote styles are replaced by a small one, and a plain overview page takes the place of its index (a table
that scripts build). A content security policy makes sure that nothing remote is asked for, whatever was overlooked.
"""

from __future__ import annotations

import re
import shutil
from html import escape
from pathlib import Path

from dermai.files import write_text
from dermai.percentages import per_cent
from dermai.validation.result import Failure, Level, ValidationResult

POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
)
REMOVED = (
    re.compile(r"<script\b.*?</script\s*>", re.S | re.I),
    re.compile(r"<link\b[^>]*>", re.S | re.I),
    re.compile(r"<img\b[^>]*>", re.S | re.I),
    re.compile(r"<footer\b.*?</footer\s*>", re.S | re.I),
    re.compile(r"@font-face\s*\{[^}]*\}", re.S),
    re.compile(r"@import[^;]*;"),
    re.compile(r"url\(\s*[\"']?(?:https?:)?//[^)]*\)", re.I),
)
REMOTE_LINK = re.compile(r"<a\b[^>]*\bhref=[\"']https?://[^>]*>(.*?)</a\s*>", re.S | re.I)
REMOTE_ADDRESS = re.compile(r"\b(?:src|href|action)=[\"'](?:https?:)?//", re.I)
STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 75rem; padding: 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { border: 1px solid #8886; padding: .3rem .6rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
th { background: #8882; }
td.number, th.number { text-align: right; }
.row { display: flex; flex-wrap: wrap; gap: 1rem; }
.col-md-2 { flex: 0 0 12rem; } .col-md-10 { flex: 1 1 40rem; min-width: 0; } .col-12 { flex: 1 0 100%; }
.alert { background: #8882; padding: .5rem .8rem; border-radius: 4px; }
.card:has(.btn-group), .ge-walkthrough-modal, .modal, button, .navbar-brand { display: none; }
.nav, .breadcrumb, .ge-breadcrumbs { list-style: none; padding: 0; }
.sticky { position: static; }
.fa-check-circle::before { content: "\\2713"; color: #1a7f37; }
.fa-times::before, .fa-times-circle::before { content: "\\2717"; color: #cf222e; }
.fa-exclamation-triangle::before, .fa-exclamation-circle::before { content: "!"; color: #9a6700; }
.passed { color: #1a7f37; } .blocking { color: #cf222e; } .warning { color: #9a6700; }
"""
ROWS_SHOWN = 50  # of each failed check on the overview; all of them are in the Data Docs


def make_self_contained(folder: Path) -> None:
    """Rewrite every page below `folder` so that a browser asks nothing of any other host.

    Raises:
        RuntimeError: a remote address is left, since Great Expectations changed its pages.
    """
    shutil.rmtree(folder / "static", ignore_errors=True)
    for page in sorted(folder.rglob("*.html")):
        html = page.read_text(encoding="utf-8")
        for pattern in REMOVED:
            html = pattern.sub("", html)
        html = REMOTE_LINK.sub(r"\1", html)
        html = html.replace("<head>", f"<head>{POLICY}", 1).replace("</head>", f"<style>{STYLE}</style></head>", 1)
        if REMOTE_ADDRESS.search(html):
            raise RuntimeError(f"{page} still names another host")
        write_text(page, html)


def write_overview(folder: Path, result: ValidationResult) -> Path:
    """Write `index.html`: what failed, the named rows, the classes, and links to the Data Docs pages."""
    verdict, tone = "passed", "passed"
    if result.warnings:
        verdict, tone = f"passed, with warnings ({len(result.warnings)})", "warning"
    if not result.passed:
        verdict, tone = "failed: no training until the blocking checks are fixed", "blocking"
    pages = [page.relative_to(folder).as_posix() for page in sorted((folder / "validations").rglob("*.html"))]
    links = "".join(f'<li><a href="{escape(page)}">{escape(page.split("/")[1])}</a></li>' for page in pages)
    parts = [
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">{POLICY}<title>Data validation</title>',
        f"<style>{STYLE}</style></head><body><h1>Data validation</h1>",
        f'<p class="{tone}"><strong>The dataset {verdict}.</strong></p>',
        f"<p>{result.checks} checks on {result.photographs} photographs: {len(result.blocking)} blocking failures, "
        f"{len(result.warnings)} warnings. "
        f"{per_cent(result.flagged_share, 1)} of the photographs carry a quality warning.</p>",
        *(_failure_section(failure) for failure in (*result.blocking, *result.warnings)),
        _class_table(result),
        "<h2>Every check</h2><p>As Great Expectations recorded it, which calls a table failed for a warning too:</p>",
        f"<ul>{links}</ul></body></html>",
    ]
    write_text(folder / "index.html", "\n".join(parts) + "\n")
    return folder / "index.html"


def _failure_section(failure: Failure) -> str:
    rows = "".join(
        f"<tr><td>{escape(row.case_id)}</td><td>{escape(row.file)}</td><td>{escape(row.value)}</td></tr>"
        for row in failure.rows[:ROWS_SHOWN]
    )
    more = f"<p>and {failure.count - ROWS_SHOWN} more</p>" if failure.count > ROWS_SHOWN else ""
    level = "blocking" if failure.level is Level.BLOCKING else "warning"
    return (
        f'<h2><span class="{level}">{level}</span>: {escape(failure.message)} ({failure.count})</h2>'
        f"<table><tr><th>case</th><th>file</th><th>found</th></tr>{rows}</table>{more}"
    )


def _class_table(result: ValidationResult) -> str:
    names = ("photographs", "lesions", "patients", "train_patients", "validation_patients", "test_patients",
             "test_lesions")  # fmt: skip
    head = "".join(f'<th class="number">{name.replace("_", " ")}</th>' for name in names)
    rows = "".join(
        f"<tr><td>{escape(statistics.diagnosis)}</td>"
        + "".join(f'<td class="number">{getattr(statistics, name)}</td>' for name in names)
        + "</tr>"
        for statistics in result.classes
    )
    return f"<h2>Classes</h2><table><tr><th>diagnosis</th>{head}</tr>{rows}</table>"
