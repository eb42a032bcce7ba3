"""Evidently's workspace after kills and full disks: the next run opens it, and shows what the history knows."""

from pathlib import Path

import pytest

from dermai.workspace import Workspace
from monitoring.evidently_remains import clear_remains
from monitoring.evidently_report import EvidentlyProject, evidently_folder
from monitoring.history import History

CLASSES = ("MM", "BCC")


def opened(workspace: Workspace, project: str = "", version: str = "1") -> EvidentlyProject:
    return EvidentlyProject(workspace, History(model_version=version, project=project), CLASSES)


def panels(project: EvidentlyProject) -> list[str]:
    """The titles of the panels in all tabs."""
    shown = project.evidently.get_project(project.id).dashboard.model()
    titles = {panel.id: panel.title for panel in shown.panels}
    return [titles[place] for tab in shown.tabs for place in tab.panels]


def test_panels_that_are_drawn_anew_stand_once_in_their_tabs(workspace: Workspace) -> None:
    first = opened(workspace)
    first.draw_panels(History(model_version="1"))
    again = opened(workspace, first.id)
    assert again.id == first.id
    assert len(panels(again)) == len(set(panels(again))) == 10


@pytest.mark.parametrize("size", [0, 40])
@pytest.mark.parametrize("file", ["metadata.json", "dashboard.json"])
def test_a_project_that_was_not_written_whole_is_there_again(workspace: Workspace, file: str, size: int) -> None:
    first = opened(workspace)
    half = evidently_folder(workspace) / first.id / file
    half.write_bytes(half.read_bytes()[:size])
    assert len(panels(opened(workspace, first.id))) == 10
    assert len(list(evidently_folder(workspace).iterdir())) == 1


def test_a_project_that_no_history_knows_is_not_there_twice(workspace: Workspace) -> None:
    opened(workspace)  # by a run that is killed before it writes its history
    other = opened(workspace, version="2")
    second = opened(workspace)
    assert {path.name for path in evidently_folder(workspace).iterdir()} == {second.id, other.id}


def test_half_reports_and_those_of_windows_that_are_judged_again_are_removed(tmp_path: Path) -> None:
    for project, title in (("one", "Model version 1"), ("two", "Model version 2")):
        (tmp_path / project / "snapshots").mkdir(parents=True)
        (tmp_path / project / "metadata.json").write_text(f'{{"name": "{title}"}}')
        for name, content in (("known", "{}"), ("unknown", "{}"), ("half", '{"a":')):
            (tmp_path / project / "snapshots" / f"{name}.json").write_text(content)
    clear_remains(tmp_path, "Model version 1", "one", {"known", "half"})
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("snapshots/*")} == {
        "one/snapshots/known.json", "two/snapshots/known.json", "two/snapshots/unknown.json",
    }  # fmt: skip
