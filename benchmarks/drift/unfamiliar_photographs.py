"""Which photographs triage takes for unlike those that a model learnt: phone photographs and dermoscopy, real ones.

    python -m benchmarks.drift.unfamiliar_photographs ../shared/data

The summary that every training writes beside the weights is made of the training and validation patients of one source,
and asked of its test patients and of the other source; and of the sites of HAM10000, each left out in turn. It depends
on the photographs that a model learnt and not on its weights, so that no network is trained here. Works below
benchmarks/workspaces_unfamiliar; measured photographs are kept. Writes benchmarks/results/unfamiliar_photographs.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from benchmarks.folders import BENCHMARKS, REPOSITORY, RESULTS
from benchmarks.public_photographs import imported_cases
from dermai.config import Params, load_params
from dermai.data.splits import draw_order
from dermai.files import write_text
from dermai.ingest.ham10000 import read_ham10000
from dermai.ingest.pad_ufes_20 import read_pad_ufes_20
from dermai.models.familiarity import FEWEST, Familiarity
from dermai.models.learnt_photographs import familiarity_features, familiarity_of
from dermai.percentages import per_cent, percentage
from dermai.triage.unfamiliar import cautions_about
from dermai.workspace import Workspace

FOLDER, FOLDERS = 20, 200  # patients, draws

SOURCES = {
    "PAD-UFES-20": lambda folder: read_pad_ufes_20(folder / "pad_ufes_20"),
    "HAM10000": lambda folder: read_ham10000(folder / "ham10000"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, help="folder with pad_ufes_20/ and ham10000/")
    parser.add_argument(
        "--most", type=int, default=10**9, help="at most so many photographs of a source, whole patients"
    )
    parser.add_argument("--output", type=Path, default=RESULTS / "unfamiliar_photographs.md")
    arguments = parser.parse_args()
    params = load_params(REPOSITORY / "params.yaml")
    sources = {}
    for name, read in SOURCES.items():
        workspace = Workspace(BENCHMARKS / "workspaces_unfamiliar" / name.lower())
        cases = imported_cases(workspace, lambda read=read: read(arguments.photographs), params)
        sources[name] = (workspace, some_patients(cases, arguments.most))
    rows = []
    for learnt, (workspace, cases) in sources.items():
        known = summary_of(workspace, cases, params)
        for asked, (place, photographs) in sources.items():
            own = asked == learnt
            shown = photographs[photographs["split"] == "test"] if own else photographs
            rows.append(line(learnt, f"{asked}{', test patients' if own else ''}", known, place, shown, params))
    workspace, cases = sources["HAM10000"]
    for site in sorted(set(cases["site"])):
        left, others = cases[cases["site"] == site], cases[cases["site"] != site]
        if len(left) >= FEWEST:
            known = summary_of(workspace, others, params)
            rows.append(
                line(f"HAM10000 without {site}", f"{site}: same view, new site", known, workspace, left, params)
            )
    write_text(arguments.output, page(pd.DataFrame(rows), arguments.most, params, sources) + "\n")


def some_patients(cases: pd.DataFrame, most: int) -> pd.DataFrame:
    """Whole patients, drawn by their pseudonyms, as long as their photographs are no more than `most`."""
    order = sorted(set(cases["patient_id"]), key=lambda patient: draw_order(1, patient))
    sizes = cases["patient_id"].value_counts().reindex(order).cumsum()
    return cases[cases["patient_id"].isin(sizes[sizes <= most].index)]


def summary_of(workspace: Workspace, cases: pd.DataFrame, params: Params) -> Familiarity:
    """What a training on these cases writes beside the weights."""
    known = familiarity_of(cases, cases, workspace.data, workspace.cache, params.triage.false_flags)
    assert known is not None, "too few photographs"
    return known


def line(
    learnt: str, asked: str, known: Familiarity, workspace: Workspace, cases: pd.DataFrame, params: Params
) -> dict[str, str]:
    """A row of the table: what triage says of these photographs."""
    features = familiarity_features(known, list(cases["image"]), workspace.data, workspace.cache)
    unlike = known.unfamiliar(features)
    exact = binomtest(int(unlike.sum()), len(unlike)).proportion_ci()
    said = cautions_about(cases, features, known, params.triage.batch_level)
    # What the photographs alone show, where view and site are not filled in
    blank = cautions_about(cases.assign(view="", site=""), features, known, params.triage.batch_level)
    noticed, flagged = [], []
    draws = np.random.default_rng(0)
    patients = np.array(sorted(set(cases["patient_id"])))
    for _ in range(FOLDERS):
        of_folder = cases["patient_id"].isin(draws.choice(patients, FOLDER, replace=False)).to_numpy()
        sent = cases.assign(view="", site="")[of_folder]
        found = cautions_about(sent, features[of_folder], known, params.triage.batch_level)
        noticed.append(bool(found.of_run))
        flagged.append(1.0 if found.of_run else sent["image"].isin(found.of_photograph).mean())
    return {
        "the model learnt": learnt,
        "it is shown": asked,
        "photographs": str(len(cases)),
        "unlike, %": f"{percentage(unlike.mean(), 1)} ({percentage(exact.low, 1)} to {percentage(exact.high, 1)})",
        "all together noticed": "yes" if blank.of_run else "no",
        f"folders of {FOLDER} patients noticed, %": percentage(np.mean(noticed), 1),
        "their photographs with a caution, %": percentage(np.mean(flagged), 1),
        "with a caution, view and site filled in, %": percentage(len(said.of_photograph) / cases["image"].nunique(), 1),
    }


def page(table: pd.DataFrame, most: int, params: Params, sources: dict[str, tuple[Workspace, pd.DataFrame]]) -> str:
    """The committed page."""
    counts = ", ".join(f"{name}: {len(cases):,} photographs" for name, (_, cases) in sources.items())
    limit = f" --most {most}" if most < 10**9 else ""
    rows = ["| " + " | ".join(table.columns) + " |", "|---|---|" + "---:|" * (len(table.columns) - 2)]
    rows += ["| " + " | ".join(row) + " |" for row in table.itertuples(index=False)]
    return "\n".join(
        [
            "# Unfamiliar photographs",
            "",
            f"`python -m benchmarks.drift.unfamiliar_photographs ../shared/data{limit}`",
            "",
            f"{counts}{' (whole patients, drawn)' if limit else ''}. Parameters as shipped: thresholds that "
            f"{per_cent(params.triage.false_flags)} of the learnt photographs exceed, each measured from those of "
            "other patients (5 folds); test patients choose nothing. Exact 95 % intervals, photograph by photograph. "
            f"Noticed: by the binomial test over patients at {params.triage.batch_level}, from the photographs alone; "
            f"folders are drawn {FOLDERS} times, and a noticed one is a caution for all its photographs. The summary "
            "depends on the photographs that a model learnt, not on its weights: no network is trained. HAM10000's "
            "photographs are here 200 x 150 pixels and PAD-UFES-20's 300 x 300: a part of their difference in texture "
            "is this difference in size.",
            "",
            *rows,
        ]
    )


if __name__ == "__main__":
    main()
