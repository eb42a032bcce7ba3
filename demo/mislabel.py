"""An export gone wrong: lesions of the training and validation patients come as naevi; the test patients keep theirs.

Shows what the gate does with it, in a workspace that may be spoilt:

    python demo/mislabel.py MM BCC              every melanoma and basal cell carcinoma: the checks stop the update
    python demo/mislabel.py BCC --right-one-in 5    four of five basal cell carcinomas
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from dermai.files import write_text


def mislabel(cases: pd.DataFrame, classes: Sequence[str], right_one_in: int) -> pd.DataFrame:
    """The case table with lesions of these classes called Nev, as their source writes it; one in so many is kept."""
    naevus = cases[cases["diagnosis"] == "Nev"].groupby("source")["source_label"].first()
    chosen = (cases["split"] != "test") & cases["diagnosis"].isin(classes) & cases["source"].isin(naevus.index)
    lesions = sorted(cases.loc[chosen, "lesion_id"].unique())
    right = set(lesions[::right_one_in]) if right_one_in else set()
    wrong = cases["lesion_id"].isin(set(lesions) - right)
    print(f"{wrong.sum()} photographs of {' and '.join(classes)} are now called Nev")
    spoilt = cases.copy()
    spoilt.loc[wrong, "source_label"] = spoilt.loc[wrong, "source"].map(naevus)
    spoilt.loc[wrong, "diagnosis"] = "Nev"
    return spoilt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("classes", nargs="+", metavar="CLASS")
    parser.add_argument("--right-one-in", type=int, default=0, metavar="N", help="leave one lesion in N right")
    options = parser.parse_args()
    file = Path("data/cases.csv")
    cases = pd.read_csv(file, dtype=str, keep_default_na=False)
    write_text(file, mislabel(cases, options.classes, options.right_one_in).to_csv(index=False, lineterminator="\n"))


if __name__ == "__main__":
    main()
