"""Fitzpatrick17k: each photograph stands for a patient, and nothing confirms its label."""

from __future__ import annotations

from pathlib import Path

from dermai.data.cases import read_cases
from dermai.ingest.fitzpatrick17k import NOTE, read_fitzpatrick17k
from dermai.workspace import Workspace
from tests.ingest.test_importers import save, take

HEADER = (
    "md5hash,fitzpatrick_scale,fitzpatrick_centaur,label,nine_partition_label,three_partition_label,qc,url,url_alphanum"
)
ROWS = (
    ("a" * 32, "2,1,melanoma,malignant melanoma,malignant,,https://x/a.jpg,httpsxajpg.jpg"),
    ("b" * 32, "-1,4,psoriasis,inflammatory,non-neoplastic,1 Diagnostic,https://x/b.jpg,httpsxbjpg.jpg"),
    ("c" * 32, "-1,-1,dermatofibroma,benign dermal,benign,3 Wrongly labelled,https://x/c.jpg,httpsxcjpg.jpg"),
)  # fmt: skip


def test_labels_skin_types_and_licence_are_read_and_the_import_says_what_is_not_known(
    tmp_path: Path, workspace: Workspace
) -> None:
    folder = tmp_path / "fitzpatrick"
    folder.mkdir()
    lines = [HEADER, *(",".join(row) for row in ROWS)]
    (folder / "fitzpatrick17k.csv").write_text("\n".join(lines) + "\n")
    save(folder / "images" / f"{'a' * 32}.jpg", 1)
    save(folder / "images" / "httpsxbjpg.jpg", 2)
    save(folder / "images" / f"{'c' * 32}.jpg", 3)
    report = take(read_fitzpatrick17k, folder, workspace)
    assert report.new == {"MM": 1, "(no place)": 1}
    assert NOTE in report.notes
    assert [rejection.reason for rejection in report.rejections] == ["unknown label 'dermatofibroma, wrongly labelled'"]
    cases = read_cases(workspace.cases_file).set_index("source_label")
    assert cases["skin_type"].to_dict() == {"melanoma": "2", "inflammatory": "4"}
    assert set(cases["licence"]) == {"CC-BY-NC-SA-3.0"}
    assert set(cases["confirmed_by"]) == {""}
    assert cases["patient_id"].nunique() == 2
