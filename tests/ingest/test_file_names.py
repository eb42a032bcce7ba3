from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from dermai.ingest.file_names import locate
from dermai.ingest.unusable import UnusablePhotograph


@pytest.mark.parametrize(
    "file",
    [
        "../secret.jpg",
        "a/../../secret.jpg",
        "/etc/passwd",
        "",
        "a\0b.jpg",
        "..\\secret.jpg",
        "C:\\secret.jpg",
        "\\\\host\\secret.jpg",
    ],
)
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, file: str) -> None:
    (tmp_path / "secret.jpg").touch()
    (tmp_path / "inside" / "a").mkdir(parents=True)
    with pytest.raises(UnusablePhotograph):
        locate(tmp_path / "inside", file)


def test_links_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    (inside / "folder.jpg").mkdir(parents=True)
    (tmp_path / "secret.jpg").touch()
    (inside / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (inside / "linked").symlink_to(tmp_path)
    for file, reason in (
        ("link.jpg", "symbolic link"),
        ("linked/secret.jpg", "symbolic link"),
        ("none.jpg", "missing"),
        ("n" * 300 + ".jpg", "missing"),
        ("folder.jpg", "not a file"),
    ):
        with pytest.raises(UnusablePhotograph, match=reason):
            locate(inside, file)


@pytest.mark.parametrize(("there", "named"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_a_name_in_another_unicode_form_finds_its_file(tmp_path: Path, there: str, named: str) -> None:
    folder = tmp_path / unicodedata.normalize(there, "lesões")  # type: ignore[arg-type]
    folder.mkdir()
    (folder / unicodedata.normalize(there, "é.jpg")).touch()  # type: ignore[arg-type]
    found = locate(tmp_path, unicodedata.normalize(named, "lesões/é.jpg"))  # type: ignore[arg-type]
    assert found.is_file()


@pytest.mark.parametrize("named", ["fotos\\a1.jpg", "Fotos/A1.JPG", "./fotos/a1.jpg", "fotos//a1.jpg"])
def test_backslashes_and_another_letter_case_find_their_file(tmp_path: Path, named: str) -> None:
    (tmp_path / "fotos").mkdir()
    (tmp_path / "fotos" / "a1.jpg").touch()
    assert locate(tmp_path, named) == tmp_path / "fotos" / "a1.jpg"


def test_a_file_whose_own_name_has_a_backslash_is_found_first(tmp_path: Path) -> None:
    (tmp_path / "fotos\\a1.jpg").touch()
    (tmp_path / "fotos").mkdir()
    (tmp_path / "fotos" / "a1.jpg").touch()
    assert locate(tmp_path, "fotos\\a1.jpg").name == "fotos\\a1.jpg"


def test_of_two_files_that_are_spelt_alike_none_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "A.JPG").touch()
    assert locate(tmp_path, "a.jpg").name == "a.jpg"
    with pytest.raises(UnusablePhotograph, match=r"'A\.JPG' and 'a\.jpg'"):
        locate(tmp_path, "A.jpg")


def test_a_file_that_is_added_later_is_found(tmp_path: Path) -> None:
    with pytest.raises(UnusablePhotograph, match="missing"):
        locate(tmp_path, "a.JPG")
    (tmp_path / "a.jpg").touch()
    assert locate(tmp_path, "a.JPG").name == "a.jpg"
