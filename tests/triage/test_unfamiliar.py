"""Photographs unlike those that the champion learnt are never sorted as normal, and the page says why."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from dermai.audit import AuditLog
from dermai.config import load_params
from dermai.models.familiarity import fit_familiarity
from dermai.models.learnt_photographs import POOLED_FEATURES
from dermai.models.package import ModelPackage
from dermai.models.reference_backbone import APPEARANCE
from dermai.promotion.alarms import settle_alarms
from dermai.triage import unfamiliar
from dermai.triage.run import run_triage
from dermai.triage.unfamiliar import UNLIKE, cautions_about
from tests.promotion.fleet import WHO
from tests.promotion.test_alarms import raise_alarm
from tests.records.made import crown
from tests.triage.champion import make_champion
from tests.triage.referrals import write_referrals

WHEN = datetime(2026, 3, 1, tzinfo=UTC)


def summary(threshold=None, width=1280, views=(), sites=()):
    features = np.random.default_rng(0).normal(0, 1, (100, width))
    found = fit_familiarity(features, ["a"] * 100, [str(n) for n in range(100)], 0.02, views, sites)
    if threshold is None:
        return found
    return replace(found, groups=tuple(replace(group, threshold=threshold) for group in found.groups))


def photographs(count, patients=None, view="", site=""):
    return pd.DataFrame(
        {"image": [f"{n}" for n in range(count)], "patient_id": patients or [f"{n}" for n in range(count)],
         "view": view, "site": site}
    )  # fmt: skip


def test_a_familiar_batch_gives_no_caution():
    familiar = np.random.default_rng(1).normal(0, 1, (50, 20))
    found = cautions_about(photographs(50), familiar, summary(width=20, threshold=1e9), 0.01)
    assert (found.of_run, found.of_photograph) == ((), {})


def test_one_unlike_photograph_is_a_caution_about_itself_alone():
    features = np.random.default_rng(1).normal(0, 1, (50, 20))
    features[7] += 100
    found = cautions_about(photographs(50), features, summary(width=20, threshold=100), 0.01)
    assert (found.of_run, found.of_photograph) == ((), {"7": (UNLIKE,)})


def test_more_unlike_patients_than_chance_explains_are_a_caution_about_the_batch():
    features = np.full((6, 20), 100.0)
    found = cautions_about(photographs(6), features, summary(width=20), 0.01)
    assert found.of_run[0].startswith("6 of 6 patients came with a photograph that is unlike")
    one_patient = cautions_about(photographs(6, ["same"] * 6), features, summary(width=20), 0.01)
    assert one_patient.of_run == (), "photographs of one patient are one observation"


@pytest.mark.parametrize(
    ("columns", "known", "said"),
    [
        ({"view": "dermoscopic"}, {"views": ["macroscopic"]}, "the model has learnt no dermoscopic photograph"),
        ({"site": "Faro"}, {"sites": ["Porto"]}, "the model has learnt no photograph of the site Faro"),
        ({"site": "Porto"}, {"sites": ["Porto"]}, None),
        ({"site": "Faro"}, {"sites": [""]}, None),
        ({"view": ""}, {"views": ["macroscopic"]}, None),
    ],
)
def test_a_view_or_site_that_was_not_learnt_is_named(columns, known, said):
    found = cautions_about(photographs(1, **columns), np.zeros((1, 20)), summary(1e9, 20, **known), 0.01)
    assert found.of_photograph == ({"0": (said,)} if said else {})


def triage(workspace, folder, **settings):
    params = load_params(workspace.params_file)
    # The small champion's random answers: every set is an answer, so that the coverage is spoken of
    params = params.model_copy(update={"triage": params.triage.model_copy(update={"largest_set": 3})})
    done = run_triage(workspace, params, folder, workspace.root / "out", WHEN)
    table = pd.read_csv(workspace.root / "out" / "worklist.csv", keep_default_na=False)
    return done, table, (workspace.root / "out" / "worklist.html").read_text()


def champion_that_knows(registry, tmp_path, familiarity):
    make_champion(registry, tmp_path)
    package = replace(ModelPackage.load(tmp_path / "package"), operating_points={}, familiarity=familiarity)
    version = registry.register(package.save(tmp_path / "known"), {}, "test", {}, {})
    crown(registry, version)


@pytest.mark.parametrize("width", [sum(APPEARANCE), POOLED_FEATURES], ids=["appearance", "of an earlier release"])
def test_a_worklist_of_unlike_photographs_has_no_normal_case_and_promises_no_coverage(
    workspace, registry, tmp_path, width
):
    champion_that_knows(registry, tmp_path, summary(-1.0, width))
    done, table, page = triage(workspace, write_referrals(tmp_path / "new", 5))
    assert (done.unfamiliar, done.with_caution, len(done.cautions)) == (5, 5, 1)
    assert "normal" not in set(table["risk"])
    assert table["cautions"].str.contains(UNLIKE).all()
    assert UNLIKE in page
    assert "5 of 5 patients came with a photograph that is unlike" in page
    assert "in at least 90" not in page
    kept = json.loads((workspace.root / "out" / "triage.json").read_text())
    assert (kept["unfamiliar"], kept["with_caution"]) == (5, 5)


def test_familiar_photographs_are_sorted_as_the_model_says(workspace, registry, tmp_path):
    champion_that_knows(registry, tmp_path, summary(1e9))
    done, table, page = triage(workspace, write_referrals(tmp_path / "new", 5))
    assert (done.unfamiliar, done.with_caution, done.cautions, done.notes) == (0, 0, (), ())
    assert set(table["cautions"]) == {""}
    assert "in at least 90" in page


def test_an_open_alarm_holds_for_the_run_until_it_is_settled(workspace, registry, tmp_path, fleet):
    fleet.champions(1)
    raise_alarm(fleet)
    folder = write_referrals(tmp_path / "new", 3)
    done, table, page = triage(fleet.workspace, folder)
    assert "1 drift alarm is open" in done.cautions[0]
    assert (done.with_caution, "normal" in set(table["risk"])) == (3, False)
    assert "1 drift alarm is open" in page
    settle_alarms(AuditLog(fleet.workspace.audit_log), **WHO)
    assert triage(fleet.workspace, folder)[0].cautions == ()


def test_of_a_package_of_an_earlier_release_the_page_says_that_it_is_not_known(workspace, registry, tmp_path):
    make_champion(registry, tmp_path)
    done, _, page = triage(workspace, write_referrals(tmp_path / "new", 3))
    assert unfamiliar.NOT_KNOWN in done.notes
    assert unfamiliar.NOT_KNOWN in page
