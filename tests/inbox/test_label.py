"""The label of the service."""

from dermai.config import load_params
from dermai.inbox.answer import WITHHELD
from dermai.inbox.label import current_label
from tests.triage.champion import make_champion


def test_the_label_names_the_champion_its_classes_and_their_risk(workspace, registry, tmp_path):
    champion = make_champion(registry, tmp_path)
    label = current_label(workspace, load_params(workspace.params_file))
    assert (label.model.version, label.model.package_sha256) == (champion.version, champion.sha256)
    assert {one.code: one.risk for one in label.classes} == {
        "Nev": "normal",
        "BCC": "high_priority",
        "MM": "high_priority",
    }
    assert "dermatologist" in label.warning


def test_without_a_champion_the_label_says_that_no_answers_are_shown(workspace):
    label = current_label(workspace, load_params(workspace.params_file))
    assert (label.model, label.no_answer, label.classes) == (None, WITHHELD, ())
