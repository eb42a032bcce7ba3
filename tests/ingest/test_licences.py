"""Photographs under a licence that is not allowed stay out, and say under which one they are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from dermai.config import load_params
from dermai.data.cases import read_cases
from dermai.ingest.intake import IntakeOptions, take_in
from dermai.ingest.isic_archive import read_isic_archive
from dermai.ingest.licences import refused_licences
from dermai.workspace import Workspace
from tests.ingest.test_isic_archive import NODULAR, export

ROWS = pd.DataFrame(
    {"source": ["isic_archive", "isic_archive", "ham10000", "dermai"], "licence": ["CC-BY", "CC-BY-NC", "", ""]}
)


def test_where_none_is_named_none_is_refused() -> None:
    assert refused_licences(ROWS, ()) == {}


def test_what_is_not_named_is_refused_but_the_service_s_own_cases_are_not() -> None:
    refused = refused_licences(ROWS, ("cc-by",))
    assert {row: reason for row, (reason, _) in refused.items()} == {
        1: "the photograph is under the licence CC-BY-NC",
        2: "the photograph is under the licence unknown",
    }


def test_an_import_quarantines_them(tmp_path: Path, workspace: Workspace) -> None:
    folder = export(tmp_path / "isic", NODULAR, NODULAR | {"copyright_license": "CC-BY-NC"})
    text = workspace.params_file.read_text(encoding="utf-8")
    workspace.params_file.write_text(text.replace("  licences: []  ", "  licences: [CC-0, CC-BY]  ", 1))
    params = load_params(workspace.params_file)
    assert params.data.licences == ("CC-0", "CC-BY")
    report = take_in(read_isic_archive(folder), workspace, params, IntakeOptions())
    assert [rejection.file for rejection in report.rejections] == ["ISIC_0000001.jpg"]
    assert set(read_cases(workspace.cases_file)["licence"]) == {"CC-BY"}
