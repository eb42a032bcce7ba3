"""A service that is new: of its patients few are test patients yet, too few to show what a model is worth.

python demo/few_test_patients.py 60    leaves 60 test patients in the dataset
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from dermai.data.cases import photograph_path
from dermai.files import write_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patients", type=int)
    options = parser.parse_args()
    data = Path("data")
    cases = pd.read_csv(data / "cases.csv", dtype=str, keep_default_na=False)
    test = sorted(cases.loc[cases["split"] == "test", "patient_id"].unique())
    kept = ~cases["patient_id"].isin(test[options.patients :])
    for image in sorted(set(cases.loc[~kept, "image"]) - set(cases.loc[kept, "image"])):
        photograph_path(data, image).unlink()
    write_text(data / "cases.csv", cases[kept].to_csv(index=False, lineterminator="\n"))
    print(f"{min(options.patients, len(test))} of {len(test)} test patients are left")


if __name__ == "__main__":
    main()
