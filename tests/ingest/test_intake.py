from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image, ImageEnhance

from dermai.config import load_params
from dermai.data.cases import photograph_path, read_cases, write_cases
from dermai.data.pseudonyms import load_pseudonyms
from dermai.errors import DatasetMismatch, DermaiError, InvalidCases
from dermai.files import sha256_file, taking_turns
from dermai.ingest.delivery import SPLIT_NOT_USED, Delivery
from dermai.ingest.intake import take_in
from dermai.ingest.quarantine import read_rejections
from dermai.workspace import Workspace
from tests.ingest.deliveries import deliver, draw, ingest, row, snapshot


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "delivery"


def reasons(workspace: Workspace) -> dict[str, str]:
    return {r.file: r.reason for f in workspace.quarantine.glob("*") for r in read_rejections(f)}


def test_cases_arrive_complete_pseudonymised_and_named_by_content(workspace: Workspace, folder: Path) -> None:
    report = ingest(deliver(folder, [row(n, image=f"album/{n}.jpg") for n in range(10)]), workspace, batch="spring")
    cases = read_cases(workspace.cases_file)
    assert len(cases) == report.new.total() == 10
    assert all(sha256_file(photograph_path(workspace.data, image)) == image for image in cases["image"])
    assert set(cases["batch"]) == {"spring"}
    assert set(cases["split"]) == {"train", "test"}
    stored = b"".join(snapshot(workspace).values()) + "".join(snapshot(workspace)).encode()
    for secret in (b"Patient 3", b"case3", b"album"):
        assert secret not in stored
    assert not workspace.quarantine.exists()


def test_a_second_intake_changes_no_byte_and_says_so(workspace: Workspace, folder: Path) -> None:
    deliver(folder, [row(1), row(2), row(3, age="400"), row(4, diagnosis="Freckle"), row(5, image="none.jpg")])
    first = ingest(folder, workspace)
    before = snapshot(workspace)
    second = ingest(folder, workspace)
    assert snapshot(workspace) == before
    assert first.changed
    assert not second.changed
    assert second.known.total() == 2
    assert second.rejections == first.rejections


def test_bad_rows_are_quarantined_by_name_and_nothing_else_is_lost(workspace: Workspace, folder: Path) -> None:
    bad = {
        "age 400": row(10, age="400"),
        "age -3": row(11, age="-3"),
        "age 'old' is not a number": row(12, age="old"),
        "unknown label": row(13, diagnosis="Freckle"),
        "no diagnosis": row(14, diagnosis=""),
        "unknown sex": row(15, sex="no"),
        "unknown view": row(16, view="selfie"),
        "unknown skin_type": row(17, skin_type="7"),
        "unknown itch": row(25, itch="maybe"),
        "not a date": row(18, acquired_on="01/03/2026"),
        "no patient id": row(19, patient_id=""),
        "file is missing": row(20, image="missing.jpg"),
        "the file is": row(24, image="n" * 300),
        "leaves the folder": row(21, image="../21.jpg"),
        "the path leaves": row(22, image="/etc/passwd"),
        "symbolic link": row(23, image="link.jpg"),
    }
    deliver(folder, [row(1), *bad.values(), row(2)])
    draw(21).save(folder.parent / "21.jpg")
    (folder / "link.jpg").symlink_to(folder.parent / "21.jpg")
    report = ingest(folder, workspace, batch="b")
    assert report.new.total() == 2
    found = reasons(workspace)
    for reason, case in bad.items():
        assert reason in found[case["image"]]
    assert all(rejection.fix for rejection in report.rejections)
    copies = {p.relative_to(workspace.quarantine / "b").as_posix() for p in (workspace.quarantine / "b").rglob("*.jpg")}
    assert copies == {f"{n}.jpg" for n in (*range(10, 20), 25)}


def test_unusable_photographs_are_quarantined_with_a_copy(workspace: Workspace, folder: Path) -> None:
    deliver(folder, [row(n) for n in range(1, 6)])
    (folder / "2.jpg").write_bytes((folder / "2.jpg").read_bytes()[:700])
    (folder / "3.jpg").write_bytes(b"")
    (folder / "4.jpg").write_text("a letter, renamed")
    draw(5, 40, 30).save(folder / "5.jpg")
    report = ingest(folder, workspace, batch="b")
    assert report.new.total() == 1
    found = reasons(workspace)
    for name, words in (("2", "truncated"), ("3", "empty"), ("4", "not a photograph"), ("5", "too small")):
        assert words in found[f"{name}.jpg"]
        assert (workspace.quarantine / "b" / f"{name}.jpg").read_bytes() == (folder / f"{name}.jpg").read_bytes()


def test_a_mended_photograph_leaves_quarantine_when_it_comes_again(workspace: Workspace, folder: Path) -> None:
    deliver(folder, [row(1), row(2)])
    (folder / "2.jpg").write_bytes(b"")
    ingest(folder, workspace)
    assert list(reasons(workspace)) == ["2.jpg"]
    draw(2).save(folder / "2.jpg")
    assert ingest(folder, workspace).new.total() == 1
    assert list(workspace.quarantine.iterdir()) == []


def test_two_deliveries_under_one_batch_name_keep_both_their_rejections(workspace: Workspace, tmp_path: Path) -> None:
    ingest(deliver(tmp_path / "a", [row(1, age="400"), row(2)]), workspace, batch="b")
    ingest(deliver(tmp_path / "b", [row(3, age="-1"), row(4)]), workspace, batch="b")
    assert set(reasons(workspace)) == {"1.jpg", "3.jpg"}


def test_a_case_id_of_two_patients_is_quarantined_in_one_delivery_and_across_two(
    workspace: Workspace, tmp_path: Path
) -> None:
    ingest(deliver(tmp_path / "a", [row(1, case_id="x"), row(2, case_id="x"), row(3)]), workspace)
    assert set(reasons(workspace)) == {"1.jpg", "2.jpg"}
    report = ingest(deliver(tmp_path / "b", [row(4, case_id="case3")]), workspace)
    assert "known of another patient" in report.rejections[0].reason


def test_a_delivery_does_not_choose_its_test_patients_and_is_told_so(workspace: Workspace, tmp_path: Path) -> None:
    drawn = ingest(deliver(tmp_path / "a", [row(n) for n in range(1, 9)]), workspace, dry_run=True)
    report = ingest(deliver(tmp_path / "a", [row(n, split="test") for n in range(1, 9)]), workspace)
    assert report.splits == drawn.splits != {"test": 8}
    assert SPLIT_NOT_USED in report.notes
    assert SPLIT_NOT_USED not in drawn.notes


def test_a_known_patient_keeps_the_split_whatever_a_delivery_says(workspace: Workspace, tmp_path: Path) -> None:
    ingest(deliver(tmp_path / "a", [row(n) for n in range(1, 9)]), workspace)
    before = read_cases(workspace.cases_file).drop_duplicates("patient_id").set_index("patient_id")["split"]
    other = [row(n + 10, patient_id=f"Patient {n}", split="test") for n in range(1, 9)]
    report = ingest(deliver(tmp_path / "b", other), workspace)
    after = read_cases(workspace.cases_file)
    assert report.rejections == []
    assert len(after) == 16
    assert after["split"].tolist() == after["patient_id"].map(before).tolist()


def published(folder: Path) -> Delivery:
    """Rows whose split a person asked to keep."""
    rows = pd.read_csv(folder / "cases.csv", dtype=str, keep_default_na=False)
    named = rows.rename(columns={"image": "file", "case_id": "case", "patient_id": "patient", "diagnosis": "label"})
    named = named.assign(lesion=named["case"])
    return Delivery.of("dermai", folder, named.to_dict("records"), published_split=True)  # type: ignore[arg-type]


def test_a_patient_in_two_published_splits_is_quarantined(workspace: Workspace, tmp_path: Path) -> None:
    params = load_params(workspace.params_file)
    rows = [row(1, patient_id="p", split="train"), row(2, patient_id="p", split="test"), row(3, split="test")]
    assert len(take_in(published(deliver(tmp_path / "a", rows)), workspace, params).rejections) == 2
    later = [row(4, patient_id="Patient 3", split="train"), row(5, patient_id="Patient 3", split="")]
    report = take_in(published(deliver(tmp_path / "b", later)), workspace, params)
    assert "known in another split" in report.rejections[0].reason
    assert report.splits == {"test": 1}


def test_one_photograph_under_two_patients_or_diagnoses_is_refused_with_both_names(
    workspace: Workspace, folder: Path
) -> None:
    deliver(folder, [row(n) for n in range(1, 8)])
    shutil.copy(folder / "1.jpg", folder / "2.jpg")
    draw(3).save(folder / "3.jpg", quality=70)  # the same shot, saved twice
    ImageEnhance.Brightness(draw(3)).enhance(1.05).save(folder / "4.jpg")
    report = ingest(folder, workspace)
    assert report.new.total() == 3
    found = reasons(workspace)
    assert set(found) == {"1.jpg", "2.jpg", "3.jpg", "4.jpg"}
    assert "identical to 2.jpg" in found["1.jpg"]
    assert "nearly identical to 3.jpg" in found["4.jpg"]


def test_a_contradiction_with_a_known_photograph_refuses_the_new_one_only(workspace: Workspace, tmp_path: Path) -> None:
    ingest(deliver(tmp_path / "a", [row(1), row(2)]), workspace, batch="first")
    deliver(tmp_path / "b", [row(3), row(4)])
    shutil.copy(tmp_path / "a" / "1.jpg", tmp_path / "b" / "3.jpg")
    draw(2).resize((150, 125), Image.Resampling.BICUBIC).save(tmp_path / "b" / "4.jpg")
    report = ingest(tmp_path / "b", workspace)
    assert report.new.total() == 0
    assert all("of batch first" in r.reason for r in report.rejections)
    assert len(read_cases(workspace.cases_file)) == 2
    assert len(list(workspace.data.rglob("*.jpg"))) == 2


def test_near_duplicates_of_one_patient_and_diagnosis_are_kept(workspace: Workspace, folder: Path) -> None:
    same = {"patient_id": "p", "diagnosis": "MM"}
    deliver(folder, [row(1, lesion_id="l1", **same), row(2, lesion_id="l1", **same), row(3, lesion_id="l2", **same)])
    for name in "123":
        draw(1).save(folder / f"{name}.jpg", quality=70 + int(name))
    report = ingest(folder, workspace)
    assert report.new.total() == 3
    assert sum("nearly identical" in note for note in report.notes) == 2  # only where the lesions differ


def test_the_same_photograph_twice_for_one_lesion_is_taken_once(workspace: Workspace, folder: Path) -> None:
    deliver(folder, [row(1), row(1), row(2)])
    report = ingest(folder, workspace)
    assert (report.new.total(), report.known.total(), report.rejections) == (2, 1, [])


def test_ids_that_a_spreadsheet_rounded_are_quarantined(workspace: Workspace, folder: Path) -> None:
    report = ingest(deliver(folder, [row(1), row(2, patient_id="1.23457E+15")]), workspace)
    assert report.new.total() == 1
    assert "looks rounded by a spreadsheet" in report.rejections[0].reason


def test_the_same_photograph_under_two_cases_of_a_patient_is_kept_once_with_a_note(
    workspace: Workspace, folder: Path
) -> None:
    first = row(1, lesion_id="l")
    report = ingest(deliver(folder, [first, {**first, "case_id": "another"}]), workspace)
    assert (report.new.total(), report.known.total()) == (1, 1)
    assert any("(case 'another'): the photograph is kept once, under another case" in note for note in report.notes)


def test_a_corrected_diagnosis_is_named_and_taken_only_when_asked_for(workspace: Workspace, folder: Path) -> None:
    rows = [row(1, diagnosis="Nev"), row(2)]
    ingest(deliver(folder, rows), workspace)
    before = read_cases(workspace.cases_file)
    deliver(folder, [row(1, diagnosis="MM"), row(2)])
    report = ingest(folder, workspace)
    assert report.corrected == ["1.jpg (case 'case1'): Nev is now MM"]
    assert read_cases(workspace.cases_file).equals(before)
    assert ingest(folder, workspace, correct_labels=True).changed
    after = read_cases(workspace.cases_file)
    assert sorted(after["diagnosis"]) == sorted(["MM", row(2)["diagnosis"]])
    assert after["split"].equals(before["split"])
    assert not ingest(folder, workspace).changed


def test_a_new_photograph_of_a_known_lesion_under_another_diagnosis_is_refused(
    workspace: Workspace, tmp_path: Path
) -> None:
    ingest(deliver(tmp_path / "a", [row(1, diagnosis="Nev")]), workspace)
    again = row(2, patient_id="Patient 1", case_id="case1", diagnosis="MM")
    report = ingest(deliver(tmp_path / "b", [again]), workspace)
    assert "is known as Nev" in report.rejections[0].reason


def test_a_dry_run_writes_nothing(workspace: Workspace, folder: Path) -> None:
    report = ingest(deliver(folder, [row(1), row(2, age="400")]), workspace, dry_run=True)
    assert (report.new.total(), report.quarantined.total()) == (1, 1)
    assert list(snapshot(workspace)) == ["params.yaml"]


def test_orphans_of_an_interrupted_intake_are_swept(workspace: Workspace, folder: Path) -> None:
    orphan = photograph_path(workspace.data, "ab" + "0" * 62)
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"whatever")
    (orphan.parent / ".x.jpg.123.tmp").write_bytes(b"half")
    foreign = workspace.data / "images" / "ab" / "notes.txt"
    foreign.write_text("not ours")
    ingest(deliver(folder, [row(1)]), workspace)
    assert not orphan.exists()
    assert {p.name for p in orphan.parent.iterdir()} == {"notes.txt"}


def test_a_half_written_photograph_in_the_way_is_replaced(workspace: Workspace, folder: Path) -> None:
    ingest(deliver(folder, [row(1)]), workspace)
    image = read_cases(workspace.cases_file)["image"][0]
    workspace.cases_file.unlink()
    photograph_path(workspace.data, image).write_bytes(b"half")
    ingest(folder, workspace)
    assert sha256_file(photograph_path(workspace.data, image)) == image


def test_lost_perceptual_hashes_are_computed_again(workspace: Workspace, tmp_path: Path) -> None:
    ingest(deliver(tmp_path / "a", [row(1), row(2)]), workspace)
    kept = (workspace.state / "perceptual_hashes.npz").read_bytes()
    (workspace.state / "perceptual_hashes.npz").unlink()
    ingest(tmp_path / "a", workspace)
    assert (workspace.state / "perceptual_hashes.npz").read_bytes() == kept


def test_new_cases_are_not_put_beside_a_dataset_that_was_never_pulled(workspace: Workspace, folder: Path) -> None:
    (workspace.root / "data.dvc").write_text("outs:\n- md5: abc.dir\n  path: data\n")
    with pytest.raises(DatasetMismatch, match="dvc pull"):
        ingest(deliver(folder, [row(1)]), workspace)
    assert not workspace.data.exists()


def test_two_intakes_at_once_are_refused(workspace: Workspace, folder: Path) -> None:
    why = rf"another import is running in this workspace \({socket.gethostname()}, process {os.getpid()}, since"
    with taking_turns(workspace.state / "intake.lock"), pytest.raises(DermaiError, match=why):
        ingest(deliver(folder, [row(1)]), workspace)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"image,case_id,patient_id,diagnosis\n", "no cases"),
        (b"image|case_id|patient_id|diagnosis\n1.jpg|a|b|MM\n", "separated by '|'"),
        (b"image,case_id,patient_id,diagnosis\n1.jpg,a,Jos\xe9,MM\n", "line 2 is not UTF-8"),
        (b"image,case_id\n1.jpg,a\n", "lacks the columns"),
    ],
)
def test_an_unusable_table_is_one_clear_error(workspace: Workspace, folder: Path, content: bytes, message: str) -> None:
    folder.mkdir()
    (folder / "cases.csv").write_bytes(content)
    with pytest.raises(InvalidCases, match=message):
        ingest(folder, workspace)
    assert not workspace.data.exists()


def test_columns_without_a_place_are_left_out_and_named(workspace: Workspace, folder: Path) -> None:
    deliver(folder, [row(1, doctor="Dr. Who")])
    report = ingest(folder, workspace)
    assert "doctor" in report.notes[0]
    assert "Dr. Who" not in workspace.cases_file.read_text()


def test_patients_arrive_in_two_shares_or_by_list(workspace: Workspace, folder: Path) -> None:
    deliver(folder, [row(n) for n in range(10)])
    first = ingest(folder, workspace, share=(0.0, 0.6))
    second = ingest(folder, workspace, share=(0.6, 1.0))
    assert (first.new.total(), second.new.total()) == (6, 4)
    assert not ingest(folder, workspace, patients={"Patient 3"}).changed
    with pytest.raises(InvalidCases, match="Nobody"):
        ingest(folder, workspace, patients={"Nobody"})


def test_the_same_delivery_makes_the_same_split_under_another_key(
    workspace: Workspace, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(folder, [row(n) for n in range(20)])
    ingest(folder, workspace)
    other = Workspace(tmp_path / "other")
    other.root.mkdir()
    shutil.copy(workspace.params_file, other.params_file)
    monkeypatch.setenv("DERMAI_PSEUDONYM_KEY_FILE", str(tmp_path / "other.key"))
    ingest(folder, other)
    one, two = (read_cases(w.cases_file) for w in (workspace, other))
    assert one[["image", "split"]].equals(two[["image", "split"]])
    assert not set(one["patient_id"]) & set(two["patient_id"])


SPELLINGS = (("Pat-1", "PAT-1"), ("001", "1"), ("1", "1.0"), ("Pat 1", "Pat\u00a01"), ("José", "Jose\u0301"))


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_spellings_of_one_patient_are_one_and_are_named(
    workspace: Workspace, folder: Path, one: str, other: str
) -> None:
    report = ingest(deliver(folder, [row(1, patient_id=one), row(2, patient_id=other), row(3)]), workspace)
    cases = read_cases(workspace.cases_file)
    assert report.new.total() == 3
    assert cases["patient_id"].nunique() == 2
    assert cases.groupby("patient_id")["split"].nunique().max() == 1
    assert any(repr(one) in note and repr(other) in note for note in report.notes)


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_a_patient_that_comes_again_in_another_spelling_is_known(
    workspace: Workspace, tmp_path: Path, one: str, other: str
) -> None:
    ingest(deliver(tmp_path / "a", [row(1, patient_id=one), row(3)]), workspace)
    ingest(deliver(tmp_path / "b", [row(2, patient_id=other), row(4)]), workspace)
    assert read_cases(workspace.cases_file)["patient_id"].nunique() == 3


def test_a_patient_whom_an_earlier_release_stored_as_written_stays_who_it_was(
    workspace: Workspace, tmp_path: Path
) -> None:
    ingest(deliver(tmp_path / "a", [row(1, patient_id="Pat-1"), row(3)]), workspace)
    cases = read_cases(workspace.cases_file)
    pseudonyms = load_pseudonyms(workspace)
    now, before = pseudonyms.patient("dermai", "Pat-1"), pseudonyms.earlier("patient", "dermai", "Pat-1")[0]
    assert now != before
    write_cases(workspace.cases_file, cases.replace({"patient_id": {now: before}}))
    again = deliver(tmp_path / "b", [row(2, patient_id="PAT-1"), row(4, patient_id="Pat-1")])
    assert ingest(again, workspace).new.total() == 2
    assert (read_cases(workspace.cases_file)["patient_id"] == before).sum() == 3


def test_one_case_id_in_two_spellings_under_two_patients_is_refused(workspace: Workspace, folder: Path) -> None:
    report = ingest(deliver(folder, [row(1, case_id="c-1"), row(2, case_id="C-1"), row(3)]), workspace)
    assert report.new.total() == 1
    assert "several patients" in report.rejections[0].reason


def test_one_number_at_two_sites_is_said(workspace: Workspace, tmp_path: Path) -> None:
    both = [row(1, patient_id="7", site="Braga"), row(2, patient_id="7", site="Porto")]
    report = ingest(deliver(tmp_path / "a", both), workspace)
    assert any("'7' comes from Braga and Porto" in note for note in report.notes)
    report = ingest(deliver(tmp_path / "b", [row(3, patient_id="7", site="Faro")]), workspace)
    assert any("is known from Braga and Porto" in note for note in report.notes)
    report = ingest(deliver(tmp_path / "c", [row(4, patient_id="7", site="BRAGA")]), workspace)
    assert report.notes == []
    assert set(read_cases(workspace.cases_file)["site"]) == {"Braga", "Porto", "Faro"}


def test_an_age_of_99_is_none_and_said_and_999_is_refused(workspace: Workspace, folder: Path) -> None:
    report = ingest(deliver(folder, [row(1, age="99"), row(2, age="999"), row(3, age="-1"), row(4)]), workspace)
    assert report.new.total() == 2
    assert any("age 99 stands for an unknown age" in note and "case1" in note for note in report.notes)
    assert sorted(read_cases(workspace.cases_file)["age"].fillna(0)) == [0, 50]


def test_values_in_other_words_are_taken_in_one_form(workspace: Workspace, folder: Path) -> None:
    words = row(1, itch="True", bleed="FALSE", sex="F", view="Macroscopic", skin_type="III", body_site="Upper  Back")
    ingest(deliver(folder, [words]), workspace)
    stored = read_cases(workspace.cases_file).iloc[0]
    assert stored[["itch", "bleed", "sex", "view", "skin_type", "body_site"]].tolist() == [
        "yes", "no", "female", "macroscopic", "3", "upper back"
    ]  # fmt: skip


@pytest.mark.parametrize("save", ["utf-8-sig", "utf-16", "utf-8"])
def test_a_table_from_a_spreadsheet_is_read(workspace: Workspace, folder: Path, save: str) -> None:
    deliver(folder, [row(1), row(2)])
    text = (folder / "cases.csv").read_text().replace(",", ";") + ";;;\n"
    (folder / "cases.csv").write_bytes(text.replace("\n", "\r").encode(save))
    assert ingest(folder, workspace).new.total() == 2


def test_a_photograph_that_cannot_be_stored_ends_no_delivery(workspace: Workspace, folder: Path) -> None:
    deliver(folder, [row(1), row(2), row(3)])
    Image.new("RGB", (70_000, 64)).save(folder / "2.png")
    (folder / "2.jpg").write_bytes((folder / "2.png").read_bytes())
    report = ingest(folder, workspace)
    assert report.new.total() == 2
    assert "too long" in report.rejections[0].reason


def test_what_a_spreadsheet_would_compute_is_stored_as_text(workspace: Workspace, folder: Path) -> None:
    deliver(folder, [row(1, site="=HYPERLINK(0)", device="@x"), row(2, image="=2.jpg")])
    report = ingest(folder, workspace, batch="b")
    assert report.new.total() == 1
    assert read_cases(workspace.cases_file)["site"].tolist() == ["=HYPERLINK(0)"]
    for file in (workspace.cases_file, workspace.quarantine / "b" / "reasons.csv"):
        assert ",=" not in file.read_text()
        assert "\n=" not in file.read_text()
    assert set(reasons(workspace)) == {"=2.jpg"}
    draw(2).save(folder / "=2.jpg")
    assert ingest(folder, workspace, batch="b").new.total() == 1
    assert not (workspace.quarantine / "b").exists()


def test_what_confirms_a_diagnosis_is_read_in_one_form_and_an_unknown_way_is_named(
    workspace: Workspace, folder: Path
) -> None:
    rows = [row(1, confirmed_by="Histology"), row(2, confirmed_by="dermatologist"), row(3, confirmed_by="a feeling")]
    report = ingest(deliver(folder, [*rows, row(4)]), workspace)
    assert sorted(read_cases(workspace.cases_file)["confirmed_by"]) == ["", "histology", "reading"]
    assert [r.reason for r in report.rejections] == ["unknown confirmed_by 'a feeling'"]


def test_histology_that_comes_later_is_named_and_taken_with_correct_labels(workspace: Workspace, folder: Path) -> None:
    ingest(deliver(folder, [row(1, confirmed_by="consensus"), row(2, confirmed_by="histology")]), workspace)
    deliver(folder, [row(1, confirmed_by="histology"), row(2, confirmed_by="reading")])
    said = "1.jpg (case 'case1'): confirmed by consensus, now by histology"
    assert ingest(folder, workspace).corrected == [said]
    assert sorted(read_cases(workspace.cases_file)["confirmed_by"]) == ["consensus", "histology"]
    assert ingest(folder, workspace, correct_labels=True).corrected == [said]
    assert set(read_cases(workspace.cases_file)["confirmed_by"]) == {"histology"}


def test_a_corrected_diagnosis_is_confirmed_by_what_comes_with_it(workspace: Workspace, folder: Path) -> None:
    ingest(deliver(folder, [row(1, diagnosis="Nev", confirmed_by="histology")]), workspace)
    ingest(deliver(folder, [row(1, diagnosis="MM")]), workspace, correct_labels=True)
    cases = read_cases(workspace.cases_file)
    assert cases[["diagnosis", "confirmed_by"]].to_numpy().tolist() == [["MM", ""]]
