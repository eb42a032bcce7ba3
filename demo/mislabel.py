"""An export gone wrong: most basal cell carcinomas of the training and validation patients come as naevi.

Shows what the gate does with it; the test patients keep their diagnoses.

    python demo/mislabel.py    (in a workspace that may be spoilt)
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from dermai.files import write_text

CORRECT_ONE_IN = 5


def mislabel(cases: pd.DataFrame) -> pd.DataFrame:
    """The case table with four of five BCC lesions outside the test split called Nev, as their source writes it."""
    naevus = cases[cases["diagnosis"] == "Nev"].groupby("source")["source_label"].first()
    chosen = (cases["split"] != "test") & (cases["diagnosis"] == "BCC") & cases["source"].isin(naevus.index)
    lesions = sorted(cases.loc[chosen, "lesion_id"].unique())
    wrong = cases["lesion_id"].isin(lesion for number, lesion in enumerate(lesions) if number % CORRECT_ONE_IN)
    spoilt = cases.copy()
    spoilt.loc[wrong, "source_label"] = spoilt.loc[wrong, "source"].map(naevus)
    spoilt.loc[wrong, "diagnosis"] = "Nev"
    print(f"{wrong.sum()} photographs of BCC are now called Nev")
    return spoilt


if __name__ == "__main__":
    file = Path("data/cases.csv")
    table = mislabel(pd.read_csv(file, dtype=str, keep_default_na=False))
    write_text(file, table.to_csv(index=False, lineterminator="\n"))
