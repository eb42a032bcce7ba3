from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image

from dermai.config import Params, load_params
from dermai.data.cases import photograph_path
from dermai.validation import EarlierDataset, Level, ValidationResult, examine_dataset, validate_dataset
from dermai.validation.relations import class_statistics
from dermai.validation.result import ValidationFailed
from tests.validation.conftest import photograph, row, store, table

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")


def encoded(picture: Image.Image, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def plain(value: int) -> bytes:
    return encoded(Image.new("RGB", (96, 96), (value, value, value)))


def same_shot(number: int) -> bytes:
    """The photograph of a sound patient, compressed further."""
    return encoded(Image.open(io.BytesIO(photograph(number))), quality=70)


def exif_with_a_place() -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x0112] = 6
    return exif


def examine(cases, folder: Path, params: Params = PARAMS) -> ValidationResult:
    return examine_dataset(cases, folder / "data", params, folder / "docs", folder / "state")


@pytest.fixture(scope="module")
def sound(tmp_path_factory, sound_dataset) -> tuple[Path, ValidationResult]:
    folder = tmp_path_factory.mktemp("sound")
    return folder, examine(table(sound_dataset(folder / "data")), folder)


@pytest.fixture(scope="module")
def broken(tmp_path_factory, sound_dataset) -> ValidationResult:
    """One dataset with one row for every fault."""
    folder = tmp_path_factory.mktemp("broken")
    data = folder / "data"
    rows = sound_dataset(data)
    n = iter(range(100, 200))

    def add(case: str, content: bytes | None = None, **changes: object) -> dict[str, object]:
        number = next(n)
        image = store(data, content or photograph(number))
        rows.append(row(number, image, case_id=case, **changes))
        return rows[-1]

    add("no-patient", patient_id="")
    add("odd-diagnosis", diagnosis="Freckle", source_label="Freckle")
    add("odd-source", source="elsewhere")
    add("odd-view", view="sideways")
    add("odd-sex", sex="F")
    add("odd-split", split="holdout")
    add("odd-fold", fold="ten")
    add("no-fold", fold="")
    add("tested-with-fold", split="test", fold="2")
    add("odd-skin", skin_type="7")
    add("too-old", age=400.0)
    add("negative", age=-1.0)
    add("odd-date", acquired_on="2026-02-31")
    rows.append({**rows[0], "case_id": "twice"})
    add("two-splits-a", patient_id="shared")
    add("two-splits-b", patient_id="shared", split="test", fold="")
    add("two-folds-a", patient_id="shared-folds")
    add("two-folds-b", patient_id="shared-folds", fold="4")
    add("lesion-a", lesion_id="shared-lesion")
    add("lesion-b", lesion_id="shared-lesion", diagnosis="Nev", source_label="Nev")
    add("same-case")
    add("same-case")
    photograph_path(data, str(add("missing")["image"])).unlink()
    changed = photograph_path(data, str(add("changed")["image"]))
    changed.write_bytes(photograph(999))
    add("truncated", photograph(500)[:900])
    add("zero", b"\x00")
    add("gps", photograph(501, exif=exif_with_a_place()))
    add("metadata", photograph(502, comment=b"taken at home"))
    rows.append(row(900, "../../etc/passwd", case_id="traversal"))
    add("small", photograph(503, size=40))
    add("copy-in-test", same_shot(0), split="test", fold="", diagnosis="MM", source_label="MM")
    add("copy-in-train", same_shot(1), diagnosis="BCC", source_label="BCC")
    add("relabelled", diagnosis="Nev", source_label="MM")
    add("blurred", encoded(Image.new("RGB", (96, 96), (120, 110, 100))))
    add("black", plain(3))
    add("white", plain(252))
    return examine(table(rows), folder)


def test_a_sound_dataset_passes(sound):
    _, result = sound
    assert result.passed
    assert result.blocking == ()
    assert result.warnings == ()
    assert {statistics.diagnosis: statistics.test_lesions for statistics in result.classes} == {
        "Nev": 1, "BCC": 1, "MM": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("check", "level", "cases"),
    [
        ("patient_id_given", "blocking", {"no-patient"}),
        ("diagnosis_known", "blocking", {"odd-diagnosis"}),
        ("source_known", "blocking", {"odd-source"}),
        ("view_known", "blocking", {"odd-view"}),
        ("sex_known", "blocking", {"odd-sex"}),
        ("split_known", "blocking", {"odd-split"}),
        ("fold_known", "blocking", {"odd-fold"}),
        ("fold_of_its_split", "blocking", {"no-fold", "tested-with-fold"}),
        ("patient_in_one_fold", "blocking", {"two-folds-a", "two-folds-b", "two-splits-a", "two-splits-b"}),
        ("skin_type_known", "blocking", {"odd-skin"}),
        ("age_range", "blocking", {"too-old", "negative"}),
        ("acquired_on_date", "blocking", {"odd-date"}),
        ("image_once", "blocking", {"c0", "twice"}),
        ("image_is_hash", "blocking", {"traversal"}),
        ("patient_in_one_split", "blocking", {"two-splits-a", "two-splits-b"}),
        ("lesion_of_one_patient", "blocking", {"lesion-a", "lesion-b"}),
        ("lesion_has_one_diagnosis", "blocking", {"lesion-a", "lesion-b"}),
        ("case_of_one_patient", "blocking", {"same-case"}),
        ("file_is_sound", "blocking",
         {"missing", "changed", "truncated", "zero", "gps", "metadata", "traversal"}),
        ("photograph_size", "blocking", {"small"}),
        ("same_shot_in_one_split", "blocking", {"c0", "twice", "copy-in-test"}),
        ("same_shot_of_one_patient", "warning", {"c1", "copy-in-train"}),
        ("label_map", "warning", {"relabelled"}),
        ("sharpness", "warning", {"blurred", "black", "white"}),
        ("exposure", "warning", {"black", "white"}),
    ],
)  # fmt: skip
def test_every_fault_is_found_with_its_row(broken, check, level, cases):
    found = {failure.check: failure for failure in (*broken.blocking, *broken.warnings)}
    assert found[check].level is Level(level)
    named = {failing.case_id for failing in found[check].rows}
    assert named == cases
    assert all(failing.file.startswith("images/") for failing in found[check].rows)


def test_a_broken_photograph_is_named_with_what_is_wrong(broken):
    rows = next(failure for failure in broken.blocking if failure.check == "file_is_sound").rows
    reasons = {failing.case_id: failing.value for failing in rows}
    assert reasons["missing"] == "the file is missing"
    assert "does not match the hash" in reasons["changed"]
    assert "cannot be decoded" in reasons["truncated"]
    assert "cannot be decoded" in reasons["zero"]
    assert "metadata (exif)" in reasons["gps"]
    assert "no content hash" in reasons["traversal"]


def test_no_check_fails_that_the_faults_do_not_explain(broken):
    assert not any("could not be checked" in str(failure) for failure in (*broken.blocking, *broken.warnings))
    assert not broken.passed


def test_a_failed_validation_stops_with_the_first_rows_and_the_docs_named(tmp_path, sound_dataset):
    rows = sound_dataset(tmp_path / "data")
    rows[3]["age"] = 400.0
    folders = (tmp_path / "data", PARAMS, tmp_path / "docs", tmp_path / "state")
    with pytest.raises(ValidationFailed, match=r"age is not in 0 to 120: case c3 \(images/.*\): 400") as stopped:
        validate_dataset(table(rows), *folders)
    assert str(tmp_path / "docs" / "index.html") in str(stopped.value)
    assert stopped.value.result.blocking[0].rows[0].case_id == "c3"
    assert "\n" not in str(stopped.value)


def test_thin_classes_and_an_unwatched_test_set_warn_in_plain_words(tmp_path, sound_dataset):
    rows = [
        line for line in sound_dataset(tmp_path / "data") if not (line["diagnosis"] == "MM" and line["split"] == "test")
    ]
    rows.append(row(60, store(tmp_path / "data", photograph(60)), diagnosis="VWart", source_label="VWart"))
    result = examine(table(rows), tmp_path)
    warnings = {failure.check: str(failure) for failure in result.warnings}
    assert result.passed
    assert "one patient only" in warnings["class_patients"]
    assert "VWart has 1" in warnings["class_train_patients"]
    assert "MM has 0" in warnings["class_test_patients"]
    assert "evidence is insufficient" in warnings["class_test_patients"]


def test_too_many_poor_photographs_stop_the_run(tmp_path, sound_dataset):
    rows = sound_dataset(tmp_path / "data")
    for number in range(3):
        rows[number]["image"] = store(tmp_path / "data", plain(5 + number))
    result = examine(table(rows), tmp_path)
    assert result.flagged_share == pytest.approx(0.25)
    assert [failure.check for failure in result.blocking if failure.check == "flagged_share"]


def test_without_test_patients_the_run_stops_before_any_training(tmp_path, sound_dataset):
    cases = table(sound_dataset(tmp_path / "data")).replace({"split": {"test": "train"}, "fold": {"": "1"}})
    result = examine(cases, tmp_path)
    assert [failure.check for failure in result.blocking] == ["test_patients"]
    assert "import more patients" in result.blocking[0].message


def test_a_missing_column_and_an_empty_table_are_schema_failures(tmp_path, sound_dataset):
    cases = table(sound_dataset(tmp_path / "data"))
    without = examine(cases.drop(columns="split"), tmp_path)
    assert [failure.check for failure in without.blocking] == ["columns"]
    empty = examine(cases.iloc[:0], tmp_path)
    assert [failure.check for failure in empty.blocking] == ["rows"]


def test_a_photograph_is_decoded_once_but_read_every_time(sound):
    folder, _ = sound
    cache = folder / "state" / "cache" / "photograph_quality.parquet"
    written = cache.stat().st_mtime_ns
    victim = next((folder / "data" / "images").rglob("*.jpg"))
    content = victim.read_bytes()
    victim.write_bytes(content[:-1] + b"\x00")
    try:
        cases = table([row(n, path.stem) for n, path in enumerate((folder / "data" / "images").rglob("*.jpg"))])
        result = examine(cases, folder)
    finally:
        victim.write_bytes(content)
    failures = {failure.check: failure for failure in result.blocking}
    assert failures["file_is_sound"].rows[0].file.endswith(victim.name)
    assert cache.stat().st_mtime_ns == written


def test_the_site_asks_nothing_of_other_hosts(sound):
    folder, _ = sound
    pages = list((folder / "docs").rglob("*.html"))
    assert len(pages) >= 5
    for page in pages:
        html = page.read_text(encoding="utf-8")
        assert "Content-Security-Policy" in html
        assert "<script" not in html
        assert not re.search(r"""(src|href|action|url\()\s*[=(]?\s*["']?(https?:)?//""", html)
    overview = (folder / "docs" / "index.html").read_text(encoding="utf-8")
    for link in re.findall(r'href="([^"]+)"', overview):
        assert (folder / "docs" / link).is_file()


class TestSinceTheLastUpdate:
    earlier = EarlierDataset(
        name="the update of 2026-11-03 (record 12)",
        photographs={"train": {"MM": 9, "BCC": 2, "Nev": 2, "SebKer": 4}, "test": {"MM": 1, "BCC": 1, "Nev": 1}},
    )

    @pytest.fixture(scope="class")
    def lost(self, tmp_path_factory, sound_dataset) -> ValidationResult:
        """Every melanoma to train on was relabelled, and a whole class is gone."""
        folder = tmp_path_factory.mktemp("lost")
        rows = sound_dataset(folder / "data")
        for each in rows:
            if each["split"] == "train" and each["diagnosis"] == "MM":
                each |= {"diagnosis": "Nev", "source_label": "Nev"}
        return self.examine(table(rows), folder)

    def examine(self, cases, folder: Path, params: Params = PARAMS) -> ValidationResult:
        return examine_dataset(cases, folder / "data", params, folder / "docs", folder / "state", earlier=self.earlier)

    def test_a_class_that_lost_its_cases_blocks_and_is_named(self, lost: ValidationResult) -> None:
        assert not lost.passed
        failure = next(each for each in lost.blocking if each.check == "class_kept_its_cases")
        said = str(failure)
        assert "since the update of 2026-11-03 (record 12)" in said
        assert "MM has none of 9 photographs left in train" in said
        assert "SebKer has none of 4 photographs left in train" in said
        assert "validation.classes_given_up" in said
        assert 'class="blocking"><strong>The dataset failed' in lost.docs.read_text()

    def test_a_class_that_may_lose_them_does_not(self, tmp_path: Path, sound_dataset) -> None:
        params = PARAMS.model_copy(
            update={"validation": PARAMS.validation.model_copy(update={"classes_given_up": ("SebKer",)})}
        )
        cases = table(sound_dataset(tmp_path / "data"))
        assert not self.examine(cases, tmp_path).passed
        found = self.examine(cases, tmp_path, params)
        assert found.passed
        warning = next(each for each in found.warnings if each.check == "class_kept_half")
        assert "MM has 2 of 9 photographs left in train" in str(warning)
        assert 'class="warning"><strong>The dataset passed, with warnings' in found.docs.read_text()
        assert any(line.startswith("warning: a class has lost more than half") for line in found.lines)

    @pytest.mark.parametrize("held_out", [0, 2])
    def test_who_a_network_held_out_was_trained_on_by_linear_heads(self, held_out: int) -> None:
        """A rare class all of whose patients are of the first fold has lost nothing, whichever learner recorded it."""
        rows = [row(number, f"{number}", diagnosis="MM", fold="0") for number in range(2)]
        recorded = {"train": {"MM": 2 - held_out}, "validation": {"MM": held_out} if held_out else {}}
        earlier = EarlierDataset(name="the last update", photographs=recorded)
        (melanoma,) = class_statistics(table(rows), ["MM"], earlier)
        assert (melanoma.lost, melanoma.shrunk) == ("", "")

    def test_without_an_earlier_update_nothing_is_compared(self, sound: tuple[Path, ValidationResult]) -> None:
        assert sound[1].passed
        assert not any(each.check.startswith("class_kept") for each in (*sound[1].blocking, *sound[1].warnings))
