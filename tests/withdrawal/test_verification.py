"""The search by bytes: in archives, tables, databases and pages; and the commands that a person types."""

from __future__ import annotations

import base64
import gzip
import io
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from dermai.cli.app import application
from dermai.config import Params
from dermai.errors import DermaiError
from dermai.files import sha256_bytes, write_bytes
from dermai.withdrawal.search import find_traces
from dermai.withdrawal.text import redact
from dermai.withdrawal.traces import Traces
from dermai.workspace import Workspace
from tests.triage.referrals import paint
from tests.withdrawal.hospital import PATIENT

NAME = "p0123456789abcdef0123"
WHO = ["--approver", "Ana Silva", "--role", "data protection officer"]


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    stream = io.BytesIO()
    paint(np.random.default_rng(0), size=64).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def traces(jpeg: bytes) -> Traces:
    image = sha256_bytes(jpeg)
    return Traces(
        withdrawal="w", patients=(NAME,), names=(NAME,), images=(image,), begun="2026-03-01", approver="a", role="r",
        reason="r",
    )  # fmt: skip


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.bin", content)
    return stream.getvalue()


def npz(content: bytes) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, names=np.array([content.decode()]))
    return stream.getvalue()


def parquet(content: bytes) -> bytes:
    return pd.DataFrame({"patient_id": [content.decode()] * 9}).to_parquet()


def database(content: bytes) -> bytes:
    with closing(sqlite3.connect(":memory:")) as store:
        store.execute("CREATE TABLE t (c)")
        store.execute("INSERT INTO t VALUES (?)", (b"x" * 100_000 + content,))
        store.commit()
        return store.serialize()


@pytest.mark.parametrize("hidden", [bytes, zipped, npz, parquet, database, gzip.compress], ids=lambda how: how.__name__)
def test_a_pseudonym_is_found_wherever_it_stands(hidden, traces: Traces, tmp_path: Path) -> None:
    write_bytes(tmp_path / "a.bin", hidden(b"" + NAME.encode()))
    (found, *_) = find_traces(tmp_path / "a.bin", traces)
    assert found.what == f"the pseudonym {NAME}"
    write_bytes(tmp_path / "b.bin", hidden(b"p" + b"f" * 20))
    assert find_traces(tmp_path / "b.bin", traces) == []


@pytest.mark.parametrize(
    "hidden",
    [
        bytes,
        lambda content: b"\0\xff\xd8\xffnone\xff\xd9" + content + b"more",
        lambda content: zipped(zipped(content)),
        lambda content: b'<img src="data:image/jpeg;base64,' + base64.b64encode(content) + b'">',
        database,
    ],
    ids=["itself", "in other bytes", "zipped twice", "in a page", "in a database"],
)
def test_a_photograph_is_found_by_its_bytes_under_any_name(hidden, jpeg: bytes, traces: Traces, tmp_path: Path) -> None:
    write_bytes(tmp_path / "a.bin", hidden(jpeg))
    assert any(find.what.startswith("the photograph or picture") for find in find_traces(tmp_path / "a.bin", traces))


def test_a_file_that_is_named_after_the_patient_is_found(traces: Traces, tmp_path: Path) -> None:
    write_bytes(tmp_path / f"{NAME}.json", b"{}")
    assert [find.inside for find in find_traces(tmp_path / f"{NAME}.json", traces)] == ["its name"]


def test_a_page_loses_names_and_pictures_and_keeps_the_rest(traces: Traces, tmp_path: Path) -> None:
    picture = base64.b64encode(b"another").decode()
    page = f'<p>{NAME} {traces.images[0]} {traces.images[0][:10]} stays</p><img src="data:image/png;base64,{picture}">'
    write_bytes(tmp_path / "a.html", page.encode())
    redact(tmp_path / "a.html", traces)
    left = (tmp_path / "a.html").read_text()
    assert left.startswith("<p>withdrawn withdrawn withdrawn stays</p>")
    assert picture not in left


def test_the_commands_list_erase_and_verify(hospital: tuple[Workspace, Params]) -> None:
    workspace, _ = hospital
    type_it = CliRunner().invoke
    unknown = type_it(application, ["verify-withdrawn", PATIENT])
    assert isinstance(unknown.exception, DermaiError)
    listed = type_it(application, ["withdraw", PATIENT, "--dry-run"])
    assert listed.exit_code == 0, listed.output
    assert "a photograph of the dataset" in listed.output
    assert "learnt by versions 1, 2; nothing was changed" in listed.output
    done = type_it(application, ["withdraw", PATIENT, *WHO])
    assert done.exit_code == 0, done.output
    assert "versions 1, 2 learnt the patient" in done.output
    shown = type_it(application, ["champion"])
    assert "learnt a patient who took consent back" in shown.output
    verified = type_it(application, ["verify-withdrawn", PATIENT, "--json"])
    assert verified.exit_code == 0, verified.output
    assert json.loads(verified.output)["found"] == []
    mine = next(iter(json.loads(next((workspace.state / "withdrawals").glob("*.json")).read_text())["names"]))
    write_bytes(workspace.reports / "notes.txt", mine.encode())
    again = type_it(application, ["verify-withdrawn", PATIENT])
    assert "found: " in again.output
    assert isinstance(again.exception, DermaiError)
