"""What the registry says counts only where the signed records say the same."""

from __future__ import annotations

import shutil

import pytest

from dermai.doctor.records import check_models
from dermai.errors import PackageTampered, Refused
from dermai.promotion.recorded_evidence import verify_evidence
from dermai.promotion.recorded_models import check_registry, registry_problem, served_problems
from dermai.promotion.status import read_status
from dermai.promotion.transaction import repair, rollback
from dermai.triage.scorers import find_scorers
from tests.promotion.fleet import WHO


def forge(fleet, version: str, by: str) -> None:
    """Put another package in a version's place, with its checksums and its tag."""
    here, other = (fleet.registry.download(number) for number in (version, by))
    for file in here.iterdir():
        file.unlink()
    shutil.copytree(other, here, dirs_exist_ok=True)
    fleet.registry.set_tag(version, "sha256", fleet.registry.get(by).sha256)


def problem(fleet) -> str:
    return registry_problem(fleet.audit, fleet.registry.versions())


def test_models_as_recorded_are_used(fleet):
    check_registry(fleet.workspace, fleet.params)  # no champion yet
    fleet.champions(2)
    fleet.candidate("insufficient_evidence")
    check_registry(fleet.workspace, fleet.params)
    assert [model.version for model in find_scorers(fleet.workspace, fleet.params).models] == ["2", "3", "1"]


def test_a_champion_whose_alias_was_moved_scores_nothing(fleet):
    fleet.champions(2)
    fleet.registry.set_alias("champion", "1")
    with pytest.raises(Refused, match="champion is 1, the records name 2"):
        find_scorers(fleet.workspace, fleet.params)


def test_a_package_forged_with_checksums_and_tag_scores_nothing_and_is_not_brought_back(fleet):
    fleet.champions(3)
    forge(fleet, "3", by="4")
    with pytest.raises(Refused, match="not the package that was promoted"):
        find_scorers(fleet.workspace, fleet.params)
    assert "dermai restore" in read_status(fleet.workspace, fleet.params).next_command
    forge(fleet, "2", by="1")
    with pytest.raises(PackageTampered, match="version 2 in the registry is not the package"):
        rollback(fleet.workspace, fleet.params, **WHO, to="2")
    rollback(fleet.workspace, fleet.params, **WHO, to="1")
    check_registry(fleet.workspace, fleet.params)


@pytest.mark.parametrize("moved_to", ["2", None])
def test_an_anchor_whose_alias_was_moved_or_deleted_is_put_back(fleet, moved_to):
    fleet.champions(2)
    if moved_to:
        fleet.registry.set_alias("anchor", moved_to)
    else:
        fleet.registry.delete_alias("anchor")
    assert "the records name version 1" in problem(fleet)
    assert "the anchor is version 1 again" in repair(fleet.workspace, fleet.params)[0]
    assert problem(fleet) == ""
    fleet.promote(fleet.candidate())
    assert fleet.aliases()["anchor"] == "1"


def test_a_forged_anchor_is_named_and_nothing_is_compared_with_it(fleet):
    fleet.champions(2)
    forge(fleet, "1", by="4")
    with pytest.raises(Refused, match="anchor is version 1 with hash"):
        check_registry(fleet.workspace, fleet.params)


def test_a_challenger_that_no_update_made_does_not_score(fleet):
    fleet.champions(1)
    fleet.registry.set_alias("challenger", "4")
    with pytest.raises(Refused, match="which no recorded update has made"):
        find_scorers(fleet.workspace, fleet.params)


@pytest.mark.parametrize("name", ["served_model.py", "MLmodel", "another.py"])
def test_what_mlflow_serves_beside_the_package_is_compared_with_the_record(fleet, own_packages, name):
    fleet.champions(2)
    assert served_problems(fleet.audit, fleet.registry) == ()
    file = fleet.registry.download("2").parents[1] / name
    file.write_text((file.read_text() if file.exists() else "") + "# forged\n")
    for problems in (
        served_problems(fleet.audit, fleet.registry),
        verify_evidence(fleet.workspace, fleet.params).problems,
        [found.what for found in check_models(fleet.workspace, fleet.params) if found.state == "problem"],
    ):
        assert len(problems) == 1
        assert "`mlflow models serve` runs for version 2 is not what was recorded" in problems[0]
    check_registry(fleet.workspace, fleet.params)  # nothing of dermai runs it


@pytest.fixture
def own_packages(fleet, four_versions):
    """Packages that lie in the workspace, as a test that edits them needs."""
    shutil.copytree(four_versions.parent / "mlartifacts", fleet.workspace.root / "mlartifacts")


def test_the_doctor_names_a_moved_alias(fleet):
    fleet.champions(2)
    assert [found.state for found in check_models(fleet.workspace, fleet.params)] == ["ok"]
    fleet.registry.set_alias("champion", "1")
    (found,) = check_models(fleet.workspace, fleet.params)
    assert "champion is 1, the records name 2" in found.what


@pytest.mark.parametrize("alias", ["champion", "anchor", "challenger"])
def test_a_model_that_no_record_names_scores_nothing_where_there_was_no_champion_yet(fleet, alias):
    fleet.registry.set_alias(alias, "1")
    with pytest.raises(Refused, match=f"the registry's {alias} is .*1"):
        find_scorers(fleet.workspace, fleet.params)


def test_a_champion_that_no_record_names_is_named(fleet):
    fleet.registry.set_alias("champion", "1")
    assert "champion is 1, the records name none" in verify_evidence(fleet.workspace, fleet.params).problems[0]


def test_a_process_that_triages_again_builds_a_model_once_and_a_new_champion_anew(fleet):
    fleet.champions(1)
    first = find_scorers(fleet.workspace, fleet.params).champion
    again = find_scorers(fleet.workspace, fleet.params).champion
    assert again.network is first.network
    fleet.champions(1)
    assert find_scorers(fleet.workspace, fleet.params).champion.network is not first.network
