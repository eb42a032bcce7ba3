from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dermai.evaluation.metrics import evaluate
from dermai.evaluation.tables import class_table, strategy_table
from dermai.taxonomy import load_taxonomy

# The paper's test set and its EfficientNet-B3 fine-tuned from ImageNet: cases, hits and answers of each class.
# Cases and hits follow from the published sensitivities, answers from the published precisions.
CASES = (237, 104, 124, 14, 14, 49, 28, 10, 23, 39, 23, 11, 10)
HITS = (118, 59, 54, 5, 2, 8, 12, 0, 5, 22, 6, 0, 2)
ANSWERS = (185, 121, 105, 13, 11, 71, 31, 12, 23, 48, 33, 18, 15)


def published_answers() -> pd.DataFrame:
    """Answers with the paper's counts; which class a wrong answer falls to is not published and does not matter."""
    codes = load_taxonomy().codes
    assert sum(CASES) == sum(ANSWERS) == 686
    wrong_truths = np.repeat(codes, np.subtract(CASES, HITS))
    wrong_answers = np.repeat(codes, np.subtract(ANSWERS, HITS))
    random = np.random.default_rng(1)
    while (clash := wrong_truths == wrong_answers).any():
        swapped = np.union1d(np.flatnonzero(clash), random.integers(0, len(wrong_answers), clash.sum()))
        wrong_answers[swapped] = wrong_answers[random.permutation(swapped)]
    right = np.repeat(codes, HITS)
    table = pd.DataFrame({"diagnosis": [*right, *wrong_truths], "predicted": [*right, *wrong_answers]})
    table["patient_id"] = [f"patient-{number}" for number in range(len(table))]
    return table.assign(**{f"p_{code}": 1 / len(codes) for code in codes})


def test_the_papers_tables_come_out_of_the_papers_counts() -> None:
    found = evaluate(published_answers(), load_taxonomy().codes)
    strategies = strategy_table([("a) Pre-train. ImageNet", found)])
    assert strategies.columns == ("Experiments", "Average accuracy", "Weighted F1", "Macro F1")
    # The paper says 42.71, 44.04, 28.65; its own class table averages to 28.64.
    assert [float(cell.split(" ")[0]) for cell in strategies.rows[0][1:]] == pytest.approx(
        [42.71, 44.04, 28.65], abs=0.015
    )
    classes = class_table(found)
    assert [cell.split(" ")[0] for cell in classes.rows[0]] == ["1", "237", "49.79", "63.78", "55.92"]
    assert classes.rows[0][0] == "1 SebKer"
    assert [cell.split(" ")[0] for cell in classes.rows[12][2:]] == ["20.00", "13.33", "16.00"]


def test_markdown_and_html_hold_the_same_cells() -> None:
    table = class_table(evaluate(published_answers(), load_taxonomy().codes))
    markdown = table.markdown()
    assert markdown.count("\n") == 15
    for row in table.rows:
        assert all(f"| {cell} |" in markdown for cell in row)
        assert f'<th scope="row">{row[0]}</th><td>{row[1]}</td>' in table.html()


@pytest.mark.parametrize("name", ["<script>", "a & b"])
def test_names_are_escaped_in_html(name: str) -> None:
    html = strategy_table([(name, evaluate(published_answers(), load_taxonomy().codes))]).html()
    assert name not in html


def test_a_class_never_answered_has_a_dash_for_its_precision() -> None:
    table = published_answers()
    table = table[table["predicted"] != "BCC"]
    row = class_table(evaluate(table, load_taxonomy().codes)).rows[11]
    assert row[3] == "–"
