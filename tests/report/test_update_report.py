from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from dermai.continual.relabelling import Relabelling
from dermai.data.test_labels import LabelChange
from dermai.gate.findings import AllLesions, SubgroupFinding
from dermai.gate.policy import GatePolicy
from dermai.records.referral_replay import ConfirmedCases, ReferralReplay, ReplayedCases
from dermai.records.update_record import ChampionJudgedAgain
from dermai.registry.champion import ModelReference
from dermai.report.headline import headline
from dermai.report.update_page import write_update_page
from dermai.report.update_report import UpdateReport
from tests.report.browser import chromium, logged, open_page, requested
from tests.report.example_update import example, training_run, validation

# How much text differs from what lies behind it, by WCAG 2.1; the lowest ratio on the page.
CONTRAST = """
function channels(colour) { return colour.match(/[\\d.]+/g).map(Number); }
function linear(v) { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }
function luminance(rgb) { const [r, g, b] = rgb.map(linear);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; }
function behind(element) { const layers = [];
  for (let e = element; e; e = e.parentElement) { const c = channels(getComputedStyle(e).backgroundColor);
    const a = c.length > 3 ? c[3] : 1; if (a > 0) layers.push([c, a]); if (a === 1) break; }
  return layers.reverse().reduce((under, [c, a]) => under.map((u, i) => u * (1 - a) + c[i] * a), [255, 255, 255]); }
let worst = [99, ""];
for (const e of document.querySelectorAll("body *")) {
  if (e.closest("svg") || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
  if (!e.getClientRects().length) continue;
  const text = luminance(channels(getComputedStyle(e).color).slice(0, 3)), ground = luminance(behind(e));
  const ratio = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
  if (ratio < worst[0]) worst = [ratio, e.outerHTML.slice(0, 200)]; }
return worst;
"""


def text_of(report: UpdateReport, folder: Path) -> str:
    page = write_update_page(folder, report).read_text(encoding="utf-8")
    body = page.split("<body>")[1]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> UpdateReport:
    return example(tmp_path_factory.mktemp("data"), skills=(5.5, 5.0, 4.5), patients=1400)


@pytest.fixture(scope="module")
def rejected(tmp_path_factory: pytest.TempPathFactory) -> UpdateReport:
    return example(tmp_path_factory.mktemp("data"), skills=(2.0, 4.0, 3.5), patients=1400)


@pytest.fixture(scope="module")
def undecided(tmp_path_factory: pytest.TempPathFactory) -> UpdateReport:
    return example(tmp_path_factory.mktemp("data"))


def test_a_promotion_says_what_is_in_production_and_how_to_go_back(promoted: UpdateReport, tmp_path: Path) -> None:
    assert promoted.status == "promote"
    said = text_of(promoted, tmp_path)
    assert "The new model (version 5) is in production" in said
    assert "no model has learnt from: the test set of 23 November 2026 (data aaaaaaaaaaaa)" in said
    assert "test set of 23 November 2026" in said[: said.index("What changed in the data")]  # beside the first numbers
    assert "dermai rollback --approver" in said
    assert "Simulated patients." in said


def test_every_number_of_the_gate_is_on_the_page(rejected: UpdateReport, tmp_path: Path) -> None:
    said = text_of(rejected, tmp_path)
    assert "The new model (version 5) was rejected" in said
    decision = rejected.decision
    assert decision is not None
    assert all(reason.text.replace("\u00a0", " ") in said for reason in decision.reasons)
    for found in decision.classes:
        row = f"{found.hits}/{found.lesions}"
        assert row in said
        assert f"{100 * found.floor.lower_bound:.1f}\u00a0%".replace("\u00a0", " ") in said
        for pair in found.comparisons:
            counts = f"{pair.both} {pair.candidate_only} {pair.reference_only} {pair.neither} {pair.patients}"
            assert counts in said
    assert f"alpha {decision.alpha:.4g}" in said
    assert decision.policy_hash in said


def test_what_a_replay_of_referrals_found_is_one_line_that_leads_to_its_page(
    rejected: UpdateReport, tmp_path: Path
) -> None:
    cases = ReplayedCases(moves={"priority": {"normal": 2}}, confirmed={"MM": ConfirmedCases(newly_missed=1)})
    replay = ReferralReplay(months=3, in_months=2, versions=("4",), not_learnt=cases)
    with_page = rejected.model_copy(update={"referral_replay": replay})
    said = text_of(with_page, tmp_path)
    assert "the candidate sorts 2 otherwise than was done then: 2 as normal that were to be read" in said
    assert "Of 1 confirmed MM it sorts as normal 1 that was to be read" in said
    assert "No evidence: it decides nothing." in said
    assert 'href="replay.html"' in (tmp_path / "report.html").read_text()
    none = ReferralReplay(months=3, none="none is logged")
    assert "none is logged" in text_of(rejected.model_copy(update={"referral_replay": none}), tmp_path)
    assert 'href="replay.html"' not in (tmp_path / "report.html").read_text()


def test_too_little_evidence_says_how_many_cases_are_missing(undecided: UpdateReport, tmp_path: Path) -> None:
    said = text_of(undecided, tmp_path)
    assert undecided.status == "insufficient_evidence"
    assert "There are too few confirmed cases to decide" in said
    assert undecided.decision is not None
    assert undecided.decision.summary in said
    assert "dermai status" in said


def test_the_first_words_are_of_the_column_that_holds_the_model_back(undecided: UpdateReport) -> None:
    decision = undecided.decision
    assert decision is not None
    harm = SubgroupFinding(
        code="MM", attribute="sex", group="f", lesions=40, patients=40, candidate_hits=25, champion_hits=40,
        difference=-0.375, p_value_worse=1e-5, allowed_drop=0.1, verdict="worse",
    )  # fmt: skip
    column = decision.model_copy(update={"subgroups": (harm,)})
    both = AllLesions(decision=column, agreement=(), variance_inflation=1.1)
    changed = decision.model_copy(update={"all_lesions": both, "reasons": ()})
    said = headline(undecided.model_copy(update={"decision": changed}))
    assert "worse in a group of them" in said.title


def test_the_first_model_is_judged_without_a_champion(undecided: UpdateReport, tmp_path: Path) -> None:
    first = undecided.model_copy(
        update={"status": "promote", "models": undecided.models[:1], "training": training_run("bootstrap")}
    )
    said = text_of(first, tmp_path)
    assert "The first model (version 5) is in production" in said
    assert "rollback" not in said
    assert "The new model on the test patients" in said


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "nothing_new"}, "There was nothing new to learn"),
        ({"status": "validation_failed", "validation": validation(passed=False)}, "1 blocking check failed."),
        ({"status": "failed", "failure": "OutOfMemoryError in finetune_candidate."}, "OutOfMemoryError in finetune_"),
    ],
)
def test_runs_without_a_candidate_have_a_page_too(
    undecided: UpdateReport, tmp_path: Path, changes: dict[str, Any], expected: str
) -> None:
    bare = {"models": (), "training": None, "decision": None, "mistakes": (), "test_set": None}
    said = text_of(undecided.model_copy(update=bare | changes), tmp_path)
    assert expected in said
    assert "The model in production is unchanged." in said
    assert "How the gate decided" not in said


def test_a_rejection_after_a_labelling_accident_leads_with_what_changed(rejected: UpdateReport, tmp_path: Path) -> None:
    assert rejected.data is not None
    changes = (Relabelling(before="MM", now="Nev", cases=38, photographs=41),)
    said = text_of(
        rejected.model_copy(update={"data": rejected.data.model_copy(update={"relabellings": changes})}), tmp_path
    )
    assert "was rejected after 38 cases had been relabelled" in said
    table = said.index("MM Nev 38 41")
    assert said.index("was rejected") < table < said.index("✗ ")
    assert "Look first at the relabelled cases above." in said
    assert "new cases" not in said[: said.index("What changed in the data")]


@pytest.mark.parametrize(("changes", "kept"), [
    ({"interpolation_chosen": 0.0}, True),
    ({"interpolation_chosen": None, "best_epoch": 0}, True),
    ({"interpolation_chosen": None, "best_epoch": 3}, False),
    ({"interpolation_chosen": 0.25, "best_epoch": 0}, False),
    ({"mode": "bootstrap", "started_from": "imagenet weights", "interpolation_chosen": None, "best_epoch": 0}, False),
])  # fmt: skip
def test_a_candidate_with_the_champions_weights_is_not_compared_as_if_it_were_another(
    undecided: UpdateReport, tmp_path: Path, changes: dict[str, Any], kept: bool
) -> None:
    assert undecided.training is not None
    training = undecided.training.model_copy(update=changes)
    said = text_of(undecided.model_copy(update={"training": training}), tmp_path)
    assert ("of the same network with itself" in said) == kept


def test_changed_parameters_are_named_as_the_reason_to_train(undecided: UpdateReport, tmp_path: Path) -> None:
    assert undecided.data is not None
    none = {"new": 0, "relabelled": 0, "removed": 0}
    rows = tuple(row.model_copy(update=none) for row in undecided.data.rows)
    changed = ('clinical.columns from [] to ["age"]',)
    data = undecided.data.model_copy(update={"rows": rows, "changed_parameters": changed})
    said = text_of(undecided.model_copy(update={"data": data}), tmp_path)
    assert "but parameters that the model depends on did: all photographs are learnt again" in said
    assert changed[0] in said
    assert "trained on with the changed parameters" in said


def test_manual_approval_asks_for_a_person(promoted: UpdateReport, tmp_path: Path) -> None:
    said = text_of(promoted.model_copy(update={"approval": "manual"}), tmp_path)
    assert "waits for a person's approval" in said
    assert "dermai promote --approver" in said
    assert "is in production" not in said


def test_failed_checks_come_first_and_name_their_rows(undecided: UpdateReport, tmp_path: Path) -> None:
    report = undecided.model_copy(update={"validation": validation(passed=False), "status": "validation_failed"})
    said = text_of(report, tmp_path)
    assert said.index("patients are in more than one split case c-99: train and test") < said.index("What changed in")


def test_a_gate_that_controls_nothing_says_so(tmp_path: Path) -> None:
    policy = GatePolicy(mode="point")
    assert "no error rate is controlled" in text_of(example(tmp_path, policy=policy), tmp_path)


def test_values_are_escaped_and_no_patient_is_named(undecided: UpdateReport, tmp_path: Path) -> None:
    assert undecided.data is not None
    row = undecided.data.rows[0].model_copy(update={"site": "<script>alert(1)</script>"})
    data = undecided.data.model_copy(update={"rows": (row, *undecided.data.rows[1:])})
    page = write_update_page(tmp_path, undecided.model_copy(update={"data": data})).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert undecided.mistakes
    for word in ("pseudonym-", "lesion-", "case-1", "patient name"):
        assert word not in page


def test_the_same_report_gives_the_same_bytes(undecided: UpdateReport, tmp_path: Path) -> None:
    pages = [write_update_page(tmp_path / name, undecided).read_bytes() for name in ("first", "second")]
    assert pages[0] == pages[1]


class TestInTheBrowser:
    @pytest.fixture(scope="class")
    def driver(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
        with chromium(tmp_path_factory.mktemp("profile")) as driver:
            yield driver

    @pytest.mark.parametrize("width", [1280, 390])
    def test_the_page_fits_needs_nothing_else_and_can_be_read(
        self, driver: Any, rejected: UpdateReport, tmp_path: Path, width: int
    ) -> None:
        page = write_update_page(tmp_path, rejected)
        open_page(driver, page, width)
        assert requested(driver) == [page.resolve().as_uri()]
        assert logged(driver) == []
        assert driver.execute_script("return document.documentElement.scrollWidth") == width
        assert driver.execute_script("return document.querySelector('h1').getBoundingClientRect().bottom") < 500
        ratio, where = driver.execute_script(CONTRAST)
        assert ratio >= 4.5, where
        assert driver.execute_script("return [...document.images].every(i => i.naturalWidth > 0 && i.alt)")
        assert driver.execute_script("return [...document.querySelectorAll('th')].every(t => t.scope)")
        assert driver.execute_script("return [...document.querySelectorAll('a[href^=\"#\"]')].every("
                                     "a => document.getElementById(a.getAttribute('href').slice(1)))")  # fmt: skip

    def test_the_first_screen_holds_outcome_next_step_and_main_numbers(
        self, driver: Any, promoted: UpdateReport, tmp_path: Path
    ) -> None:
        open_page(driver, write_update_page(tmp_path, promoted), 1280, 800)
        assert driver.execute_script("return document.querySelector('.facts').getBoundingClientRect().bottom") < 800

    def test_the_page_prints(self, driver: Any, undecided: UpdateReport, tmp_path: Path) -> None:
        open_page(driver, write_update_page(tmp_path, undecided), 1280)
        printed = driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
        assert len(printed["data"]) > 50_000


@pytest.mark.parametrize(
    ("outcome", "title"),
    [("reject", "falls short"), ("promote", "still shows"), ("insufficient_evidence", "no longer")],
)
def test_test_labels_that_changed_are_named_with_what_they_make_of_the_champion(
    rejected: UpdateReport, tmp_path: Path, outcome: str, title: str
) -> None:
    assert rejected.data
    assert rejected.decision
    decision = rejected.decision.model_copy(update={"outcome": outcome})
    again = ChampionJudgedAgain(champion=ModelReference(version="3", sha256="0" * 64), decision=decision)
    change = LabelChange(kind="diagnosis", before="MM", now="Nev", lesions=6, photographs=6)
    values = {
        "status": "nothing_new", "models": (), "training": None, "decision": None, "test_set": None, "mistakes": (),
        "champion_again": again, "data": rejected.data.model_copy(update={"test_changes": (change,)}),
    }  # fmt: skip
    said = text_of(rejected.model_copy(update=values), tmp_path)
    assert "6 test lesions from MM to Nev" in said
    assert title in said
    assert ("dermai rollback" in said) == (outcome == "reject")
    assert "There was nothing new to learn" not in said
