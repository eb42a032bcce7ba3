"""One answer a card: what heads it, what set its risk, what the map explains and what the table says."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dermai.data.cases import photograph_path
from dermai.taxonomy import RiskLevel, load_taxonomy
from dermai.triage.conformal import conformal_sets
from dermai.triage.outcomes import Outcomes
from dermai.triage.risk import abstains
from dermai.triage.scorers import Scorers
from dermai.triage.scoring import ScoringModel, with_answers
from dermai.triage.worklist import worklist_cases, write_worklist_csv
from dermai.triage.worklist_page import CaseLists, write_worklist_page
from tests.packages import make_package
from tests.triage.referrals import paint

CLASSES = ("SebKer", "ActKer", "Nev", "OtMalNeop", "BCC", "MM")
PACKAGE = replace(make_package(), classes=CLASSES)  # its network is not asked
LARGEST_SET = 3
WHEN = datetime(2026, 3, 1, tzinfo=UTC)
IMAGES = tuple(f"{number:064x}" for number in range(3))
HEAT = {(image, code): np.full((4, 4), 0.5, dtype=np.float32) for image in IMAGES for code in CLASSES}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    for number, image in enumerate(IMAGES):
        path = photograph_path(folder, image)
        path.parent.mkdir(parents=True, exist_ok=True)
        paint(np.random.default_rng(number), size=32).save(path, format="JPEG")
    return folder


@st.composite
def logged(draw):
    """A model's operating points, and what the log holds of some photographs of up to four cases."""
    points = draw(st.fixed_dictionaries({}, optional={code: st.floats(0.02, 0.5) for code in ("MM", "BCC")}))
    package = replace(PACKAGE, operating_points=points)
    count = draw(st.integers(1, 5))
    sharpness = draw(st.sampled_from([0.3, 1.0, 4.0]))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    rows = pd.DataFrame(
        {
            "image": [IMAGES[draw(st.integers(0, 2))] for _ in range(count)],
            "case_id": [f"case-{draw(st.integers(0, 3))}" for _ in range(count)],
            "lesion_id": "lesion", "age": np.nan, "sex": "", "body_site": "", "site": "Porto",
        }
    ).drop_duplicates(["image", "case_id"])  # fmt: skip
    probabilities = random.dirichlet([1 / sharpness] * len(CLASSES), len(rows))
    return package, with_answers(rows, probabilities, package, draw(st.floats(0, 0.6)), LARGEST_SET)


def cards(page: str) -> dict[str, dict[str, object]]:
    """What each card of a page says, by case."""
    found = {}
    for card in re.findall(r"<article.*?</article>", unescape(page), flags=re.DOTALL):
        possible = re.search(r"Possible: (.*?)\. Such", card)
        head = re.search(r"</span> (.*?)</h3>", card)[1]
        found[re.search(r"Case (case-\d)", card)[1]] = {
            "head": re.findall(r"\((\w+)\)\?$", head),
            "uncertain": head.startswith("Uncertain"),
            "called": re.findall(r'<p class="call">.*?\((\w+)\): (.*?)\.</p>', card.replace("\u00a0", " ")),
            "map": re.findall(r"evidence for (\w+)", card),
            "bars": re.findall(r"<dt.*?\((\w+)\)</dt>", card),
            "possible": re.findall(r"\((\w+)\)", possible[1]) if possible else None,
        }
    return found


@settings(max_examples=60, deadline=None)
@given(log=logged())
def test_headline_set_map_and_table_equal_the_logged_call_on_every_card(photographs, tmp_path_factory, log):
    package, rows = log
    out = tmp_path_factory.mktemp("out")
    cases = worklist_cases(rows, LARGEST_SET, operating_points=package.operating_points)
    write_worklist_csv(out / "worklist.csv", cases)
    nothing = pd.DataFrame(columns=["case_id", "line", "site", "reason", "on_worklist", "lesion_id", "diagnosis"])
    outcomes = Outcomes(frozenset(rows["case_id"]), frozenset(), 0, frozenset())
    lists = CaseLists(cases, nothing, nothing, nothing, outcomes)
    scorers = Scorers((ScoringModel("1", "champion", package),))
    write_worklist_page(out / "worklist.html", lists, HEAT, photographs, scorers, WHEN, 0.9)
    shown = cards((out / "worklist.html").read_text())
    table = pd.read_csv(out / "worklist.csv", keep_default_na=False).set_index("case_id")
    assert shown.keys() == set(table.index) == set(rows["case_id"])
    risk = load_taxonomy().risk
    for case in cases:
        card, line = shown[case.case_id], table.loc[case.case_id]
        (logged_row,) = rows[(rows["case_id"] == case.case_id) & (rows["image"] == case.images[0])].to_dict("records")
        call, found = logged_row["predicted"], tuple(logged_row["diagnoses"].split())
        silent = abstains(found, LARGEST_SET) and risk(call) is RiskLevel.NORMAL
        said = [] if silent else [call]
        assert card["head"] == said
        assert line["model_answer"] == "".join(said)
        assert card["called"] == ([] if silent else [(call, line["reason"])])
        assert card["map"] == ([] if case.risk == RiskLevel.NORMAL else said)
        assert set(said) <= set(card["bars"])
        assert set(said) <= set(line["possible_diagnoses"].split())
        assert set(found) <= set(line["possible_diagnoses"].split()) <= {*found, *said}
        assert (line["abstained"] == "yes") == abstains(found, LARGEST_SET)
        assert card["uncertain"] == (bool(said) and line["abstained"] == "yes")
        assert card["possible"] == (None if line["abstained"] == "yes" else line["possible_diagnoses"].split())
        assert line["risk"] == logged_row["risk"]
        if risk(call) is not RiskLevel.NORMAL:
            assert line["risk"] == risk(call).value, "the class that is named is the one that set the risk"
            assert said


def rows_of(**columns: object) -> pd.DataFrame:
    probabilities = {"p_SebKer": 0.51, "p_MM": 0.33, "p_Nev": 0.16}
    return pd.DataFrame(
        [{"image": "a", "case_id": "1", "lesion_id": "1", "age": np.nan, "sex": "", "body_site": "", "site": "",
          **probabilities, **columns}]
    )  # fmt: skip


def test_a_melanoma_called_by_its_operating_point_heads_the_card_with_the_reason():
    rows = rows_of(predicted="MM", diagnoses="SebKer", risk="high_priority")
    (case,) = worklist_cases(rows, LARGEST_SET, operating_points={"MM": 0.058})
    assert case.answer.code == "MM"
    assert case.answer.reason.replace("\u00a0", " ") == "33 %, called from 5.8 % on"
    assert case.possible == ("SebKer", "MM")


def test_a_model_that_abstains_still_names_a_melanoma_that_it_calls():
    (case,) = worklist_cases(rows_of(predicted="MM", diagnoses="", risk="high_priority"), LARGEST_SET)
    assert (case.answer.code, case.abstained) == ("MM", True)


def test_a_model_that_abstains_says_nothing_of_a_benign_call_and_explains_nothing():
    (case,) = worklist_cases(rows_of(predicted="SebKer", diagnoses="", risk="priority"), LARGEST_SET)
    assert (case.answer, case.explained, case.possible) == (None, None, ())


def test_the_sets_of_the_page_still_hold_the_true_class_as_often_as_promised():
    """They are the conformal sets, and the called class besides."""
    random = np.random.default_rng(3)
    probabilities = random.dirichlet([1] * len(CLASSES), 50)
    sets = conformal_sets(probabilities, CLASSES, 0.2)
    rows = pd.DataFrame(
        {"image": [f"{n}" for n in range(50)], "case_id": [f"case-{n}" for n in range(50)], "lesion_id": "",
         "age": np.nan, "sex": "", "body_site": "", "site": ""}
    )  # fmt: skip
    package = replace(PACKAGE, operating_points={"MM": 0.1})
    found = worklist_cases(with_answers(rows, probabilities, package, 0.2, LARGEST_SET), LARGEST_SET)
    by_case = {case.case_id: set(case.possible) for case in found}
    assert all(set(inside) <= by_case[f"case-{number}"] for number, inside in enumerate(sets))
