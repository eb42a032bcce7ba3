"""The rows of a delivery in the case table's terms: pseudonyms for the sender's numbers, codes for its labels."""

from __future__ import annotations

import pandas as pd

from dermai.data.identifiers import first_spellings
from dermai.data.pseudonyms import Kind, Pseudonyms
from dermai.taxonomy import load_taxonomy


def translated(rows: pd.DataFrame, pseudonyms: Pseudonyms, known: pd.DataFrame, batch: str) -> pd.DataFrame:
    """The rows in the case table's terms; the sender's columns stay beside them for messages."""
    taxonomy = load_taxonomy()
    source = rows["source"]

    def hidden(kind: Kind) -> list[str]:
        stored = frozenset(known[f"{kind}_id"])
        pairs = [*zip(source, rows[kind], strict=True)]
        names = {pair: pseudonyms.stored(kind, *pair, stored) for pair in dict.fromkeys(pairs)}
        return [names[pair] for pair in pairs]

    return rows.assign(
        case_id=hidden("case"),
        patient_id=hidden("patient"),
        lesion_id=hidden("lesion"),
        diagnosis=[taxonomy.diagnosis(s, d) or "" for s, d in zip(source, rows["label"], strict=True)],
        source_label=rows["label"],
        draw_key=source + "/" + first_spellings(rows["patient"]),
        batch=batch,
    )
