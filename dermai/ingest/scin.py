"""SCIN (Ward et al. 2024): phone photographs that volunteers gave, labelled from the photographs by dermatologists."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from dermai.data.tables import read_text_table
from dermai.ingest.delivery import Delivery, PhotographFiles, metadata_file
from dermai.taxonomy import load_taxonomy

SOURCE = "scin"
CASE_COLUMNS = ("case_id", "image_1_path", "image_1_shot_type")
LABEL_COLUMNS = ("case_id", "weighted_skin_condition_label")
LICENCE = "LicenseRef-SCIN"
OTHER = "another condition"  # of the several hundred that are no lesions of the taxonomy
VIEWS = {"CLOSE_UP": "macroscopic", "AT_AN_ANGLE": "macroscopic", "AT_DISTANCE": "anatomical"}
AGES = {f"AGE_{low}_TO_{high}": str((low + high + 1) // 2) for low, high in
        ((18, 29), (30, 39), (40, 49), (50, 59), (60, 69), (70, 79))}  # fmt: skip
LONGEST_LABEL = 10_000
NOTE = (
    "SCIN's labels are readings of the photographs by up to three dermatologists, the likeliest of several conditions: "
    "none was confirmed, and the policy as shipped counts none; a case stands for a patient, who may have given several"
)


def read_scin(folder: Path) -> Delivery:
    """`scin_cases.csv`, `scin_labels.csv` and the photographs anywhere below the folder, up to three a case.

    The label is the condition of most weight; where two share it, or nobody could tell, the case has none. Ages are the
    middle of the publisher's ten years. The skin type is the dermatologists', else the volunteer's own. Symptoms are
    not imported: only a yes is recorded, so that an empty cell says nothing.
    """
    cases = read_text_table(metadata_file(folder, "scin_cases.csv"), CASE_COLUMNS)
    labels = read_text_table(metadata_file(folder, "scin_labels.csv"), LABEL_COLUMNS)
    by_case = {row["case_id"]: row for row in labels.to_dict("records")}
    files = PhotographFiles(folder)
    rows = (photograph for row in cases.to_dict("records") for photograph in
            _photographs(row, by_case.get(row["case_id"], {}), files))  # fmt: skip
    return Delivery.of(SOURCE, folder, rows, [NOTE])


def _photographs(
    row: Mapping[Hashable, str], labels: Mapping[Hashable, str], files: PhotographFiles
) -> Iterator[dict[str, str]]:
    case, sex = row["case_id"], row.get("sex_at_birth", "").lower()
    for place in (1, 2, 3):
        path = row.get(f"image_{place}_path", "")
        if path:
            yield {
                "file": files.find(PurePosixPath(path).name, path),
                "case": case,
                "patient": case,
                "lesion": case,
                "label": _label(labels.get("weighted_skin_condition_label", "")),
                "site": "volunteers",
                "view": VIEWS.get(row.get(f"image_{place}_shot_type", ""), ""),
                "age": AGES.get(row.get("age_group", ""), ""),
                "sex": sex if sex in ("female", "male") else "",
                "skin_type": _skin_type(row, labels),
                "device": "smartphone",
                "confirmed_by": "reading",
                "licence": LICENCE,
            }


def _label(weighted: str) -> str:
    """The condition of most weight out of `{'Eczema': 0.69, 'Psoriasis': 0.31}`.

    >>> _label("{'Melanoma': 0.6, 'Eczema': 0.4}"), _label("{'Eczema': 1.0}"), _label("{'Acne': 0.5, 'Eczema': 0.5}")
    ('Melanoma', 'another condition', '')
    """
    try:
        weights = ast.literal_eval(weighted) if 0 < len(weighted) < LONGEST_LABEL else {}
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return weighted[:80]  # in no label map, so that the case is quarantined with what it says
    if not isinstance(weights, dict) or not all(isinstance(weight, int | float) for weight in weights.values()):
        return weighted[:80]
    ranked = sorted(((weight, str(name)) for name, weight in weights.items()), reverse=True)
    if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return ""
    known = {label.casefold() for label in load_taxonomy().sources[SOURCE]}
    return ranked[0][1] if ranked[0][1].casefold() in known else OTHER


def _skin_type(row: Mapping[Hashable, str], labels: Mapping[Hashable, str]) -> str:
    """What most of the dermatologists estimated, the lightest of several; else what the volunteer's answers gave."""
    estimates = [labels.get(f"dermatologist_fitzpatrick_skin_type_label_{place}", "") for place in (1, 2, 3)]
    found = Counter(text for text in estimates if text.startswith("FST"))
    said = row.get("fitzpatrick_skin_type", "")
    likeliest = min(found, key=lambda text: (-found[text], text)) if found else said
    return likeliest.removeprefix("FST") if likeliest.startswith("FST") else ""
