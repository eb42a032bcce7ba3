"""The interface for programs, over a real small workspace."""

import errno
import json
import re
import socket
import time
from contextlib import suppress

import psutil
import pytest
from PIL import Image

from dermai.data.pseudonyms import load_pseudonyms
from dermai.inbox.entries import Inbox
from dermai.inbox.filing import file_waiting
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.waiting_cases import referred_cases
from dermai.taxonomy import load_taxonomy
from tests.conftest import REPOSITORY
from tests.triage.champion import make_champion
from tests.web.api.sending import CASE, close_up, jpeg, token_for
from web.api.tokens import revoke_token, tokens

REFERRALS, QUALITY, LABEL = "/api/v1/referrals", "/api/v1/quality", "/api/v1/label"
SENT_CASES = REPOSITORY.parent / "shared" / "cases"


@pytest.fixture
def champion(registry, tmp_path):
    return make_champion(registry, tmp_path)


@pytest.fixture
def practice(champion, application, service):
    """A client with a token of the practice of Porto."""
    service.headers.update(token_for(application))
    return service


def test_a_referral_is_answered_with_verdict_risk_reason_model_and_warning(practice, champion, workspace, application):
    files = [
        ("close_up", ("a.jpg", jpeg(), "image/jpeg")),
        ("locating", ("b.jpg", jpeg(1, blurred=True), "image/jpeg")),
    ]
    answer = practice.post(REFERRALS, data=CASE, files=files)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert [(one["role"], one["usable"]) for one in found["photographs"]] == [("close_up", True), ("locating", False)]
    assert "blurred" in found["photographs"][1]["take_again"]
    assert found["risk"] in ("high_priority", "priority", "normal")
    if found["called"]:
        assert found["called"]["name"] == load_taxonomy().classes[found["called"]["code"]].name
        assert "%" in found["called"]["reason"]
    assert found["model"] == {
        "version": champion.version, "package_sha256": champion.sha256, "provisional_until": None
    }  # fmt: skip
    assert "does not diagnose" in found["warning"]
    application.state.receiver.close()
    assert len(referred_cases(PredictionLog.of(workspace))) == 1


def test_the_same_referral_again_gets_the_same_answer_as_fields_or_as_json(practice):
    first = practice.post(REFERRALS, data=CASE, files=close_up(jpeg()))
    again = practice.post(REFERRALS, data=CASE, files=close_up(jpeg(), "other name.jpg"))
    written = {"referral": json.dumps({**CASE, "age": 61})}
    as_json = practice.post(REFERRALS, data=written, files=close_up(jpeg()))
    assert first.json() == again.json() == as_json.json()


def test_another_content_under_the_number_is_a_conflict_that_says_what_to_do(practice):
    first = practice.post(REFERRALS, data=CASE, files=close_up(jpeg())).json()
    other = practice.post(REFERRALS, data=CASE, files=close_up(jpeg(1)))
    assert (other.status_code, other.headers["content-type"]) == (409, "application/problem+json")
    assert f"follows={first['request_id']}" in other.json()["detail"]
    more = practice.post(REFERRALS, data={**CASE, "follows": first["request_id"]}, files=close_up(jpeg(1)))
    assert more.status_code == 200


def test_where_a_photograph_was_taken_and_the_sender_s_numbers_and_file_names_are_kept_nowhere(
    practice, workspace, application
):
    exif = Image.Exif()
    exif[0x010E], exif[0x8825] = "Maria at home", {1: "N", 2: (41.0, 9.0, 0.0)}
    data = {**CASE, "case_id": "CASE-4711", "patient_id": "PAT-0815"}
    name = "../../../Maria Silva 41.15N.jpg"
    answer = practice.post(REFERRALS, data=data, files=close_up(jpeg(exif=exif.tobytes()), name))
    assert answer.status_code == 200
    application.state.receiver.close()
    kept = [file for file in workspace.root.rglob("*") if file.is_file()]
    assert sum(file.suffix == ".jpg" for file in kept) == 1
    for file in kept:
        content = file.read_bytes()
        assert not any(text in content for text in (b"4711", b"0815", b"Maria", b"Exif")), file
        assert "Maria" not in file.name


def test_a_quality_check_keeps_nothing_but_a_count(practice, workspace, application):
    files = [*close_up(jpeg()), *close_up(jpeg(blurred=True)), *close_up(b"%PDF-1.7")]
    found = practice.post(QUALITY, files=files).json()["photographs"]
    assert [one["usable"] for one in found] == [True, False, False]
    assert "blurred" in found[1]["take_again"]
    application.state.receiver.close()
    assert not list(workspace.root.rglob("*.jpg"))
    assert Inbox.of(workspace).count() == 0
    with application.state.service.database.reading() as session:
        assert [token.quality_checks for token in tokens(session)] == [3]


@pytest.mark.parametrize(
    ("data", "files", "status", "said"),
    [
        (CASE, [], 422, "no photograph came with it"),
        ({**CASE, "patient_id": ""}, close_up(jpeg()), 422, "the patient number is missing"),
        ({**CASE, "name": "Maria Silva"}, close_up(jpeg()), 422, "unknown fields (name)"),
        ({**CASE, "device": "x\x1b[2J"}, close_up(jpeg()), 422, "control characters"),
        ({**CASE, "device": "‮x"}, close_up(jpeg()), 422, "control characters"),
        ({**CASE, "close_up": "text"}, close_up(jpeg()), 422, "send the photograph as a file"),
        ({**CASE, "referral": "{"}, close_up(jpeg()), 422, "is no JSON"),
        ({**CASE, "referral": "[1]"}, close_up(jpeg()), 422, "is no JSON object"),
        ({"referral": '{"case_id": {"a": 1}}'}, close_up(jpeg()), 422, "a list or an object"),
        ({**CASE, "referral": '{"case_id": "B"}'}, close_up(jpeg()), 422, "case_id came twice"),
        (CASE, [("../etc", ("a.jpg", b"x", "image/jpeg"))], 422, "none of close_up"),
        (CASE, close_up(jpeg()) * 9, 422, "9 photographs are too many"),
        (CASE, close_up(b"x") * 65, 400, "Too many files"),
    ],
)
def test_what_cannot_be_taken_in_is_refused_with_a_next_step_and_nothing_is_kept(
    practice, workspace, data, files, status, said
):
    answer = practice.post(REFERRALS, data=data, files=files)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert said in answer.json()["detail"]
    assert "Maria Silva" not in answer.text
    assert not list(workspace.state.rglob("*.jpg"))
    assert Inbox.of(workspace).count() == 0


def test_what_is_no_form_at_all_is_refused(practice):
    for content, kind in ((b"{}", "application/json"), (b"nonsense", "multipart/form-data; boundary=x"), (b"", "x")):
        answer = practice.post(REFERRALS, content=content, headers={"Content-Type": kind})
        assert answer.status_code in (400, 422)
        assert answer.headers["content-type"] == "application/problem+json"


def test_without_a_valid_token_nothing_is_read(champion, application, service, signed_in):
    expired, revoked = token_for(application), token_for(application)
    with application.state.service.database.writing() as session:
        for token in tokens(session):
            token.expires_at = token.created_at
    with application.state.service.database.writing() as session:
        revoke_token(session, revoked["Authorization"].removeprefix("Bearer "))
    for headers in ({}, expired, revoked, {"Authorization": "Bearer dermai_guess"}, {"Authorization": "Basic eDp5"}):
        for method, path in (("POST", REFERRALS), ("POST", QUALITY), ("GET", LABEL), ("GET", "/api/v1/openapi.json")):
            answer = service.request(method, path, headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path
            assert answer.headers["content-type"] == "application/problem+json"
    for role in ("practice", "dermatologist"):  # a cookie sends nothing
        assert signed_in(role).post(REFERRALS, data=CASE, files=close_up(jpeg())).status_code in (401, 403)
    assert service.get("/health").json() == {"status": "ok"}


def test_the_label_says_what_it_is_for_and_which_model_answers(practice, champion):
    found = practice.get(LABEL).json()
    assert found["model"]["package_sha256"] == champion.sha256
    assert "does not diagnose" in found["warning"]
    assert {one["code"] for one in found["classes"]} == {"Nev", "BCC", "MM"}


def test_the_description_names_every_route_with_examples(practice):
    found = practice.get("/api/v1/openapi.json").json()
    assert set(found["paths"]) == {REFERRALS, QUALITY, LABEL}
    form = found["paths"][REFERRALS]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert {"close_up", "locating", "dermoscopic", "case_id", "itch", "follows"} <= set(form["schema"]["properties"])
    assert form["example"]["case_id"]
    assert found["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_another_practice_is_told_nothing_of_a_case_but_that_its_number_is_taken(practice, application):
    first = practice.post(REFERRALS, data=CASE, files=close_up(jpeg())).json()
    braga = token_for(application, "Braga")
    for seed in (0, 1):
        answer = practice.post(REFERRALS, data=CASE, files=close_up(jpeg(seed)), headers=braga)
        assert answer.status_code == 409
        assert first["request_id"] not in answer.text
        assert "another sender's" in answer.json()["detail"]


def test_a_practice_s_list_names_its_cases_by_its_own_numbers_which_lie_sealed(practice, application, signed_in):
    practice.post(REFERRALS, data={**CASE, "case_id": "2026-0117"}, files=close_up(jpeg()))
    service = application.state.receiver.service()
    file_waiting(service.workspace, service.params, load_pseudonyms(service.workspace))
    porto = signed_in("practice", site="Porto")
    shown = porto.get("/my-cases").text
    (case,) = re.findall(r'href="/my-cases/(c\w+)" class="identifier" translate="no">2026-0117<', shown)
    assert "Here called" in porto.get(f"/my-cases/{case}").text
    assert "2026-0117" not in signed_in("practice", site="Braga").get("/my-cases").text
    kept = [file for file in service.workspace.state.rglob("*") if file.is_file() and b"2026-0117" in file.read_bytes()]
    assert kept == []


@pytest.mark.parametrize("place", [REFERRALS, "/sign-in"])
def test_500_megabytes_that_are_really_sent_cost_neither_time_nor_memory(live, application, place):
    host, port = live.address.removeprefix("http://").split(":")
    head = f"POST {place} HTTP/1.1\r\nHost: {host}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    head += f"Authorization: {token_for(application)['Authorization']}\r\nContent-Length: 500000000\r\n\r\n"
    megabyte, sent = bytes(1_000_000), 0
    before, started = psutil.Process().memory_info().rss, time.monotonic()
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head.encode())
        with suppress(OSError):  # the server hung up
            for _ in range(500):
                connection.sendall(megabyte)
                sent += 1
    assert sent < 100, "it went on reading"
    assert time.monotonic() - started < 5
    assert psutil.Process().memory_info().rss - before < 50_000_000


def test_a_body_of_500_megabytes_is_refused_before_it_is_read(champion, live, application):
    host, port = live.address.removeprefix("http://").split(":")
    head = f"POST {REFERRALS} HTTP/1.1\r\nHost: {host}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    head += f"Authorization: {token_for(application)['Authorization']}\r\n"
    for length in ("Content-Length: 500000000", "Transfer-Encoding: chunked"):
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(f"{head}{length}\r\n\r\n".encode())
            sent = 0
            part = b'--x\r\nContent-Disposition: form-data; name="close_up"; filename="a"\r\n\r\n' + b"0" * 1_000_000
            try:
                while "chunked" in length and sent < 500:
                    connection.sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                    sent, part = sent + 1, b"0" * 1_000_000
            except OSError:
                pass  # the server hung up
            assert sent < 200
            try:
                answer = connection.recv(4096).decode()
            except OSError:
                answer = ""
            assert not answer or " 413 " in answer.splitlines()[0]
            assert "chunked" in length or " 413 " in answer.splitlines()[0]
    folder = Inbox.of(application.state.service.workspace).folder
    assert not [file for file in folder.rglob("*") if file.suffix == ".tmp" and file.is_file()]


@pytest.mark.skipif(not SENT_CASES.is_dir(), reason="the files are not beside the repository")
def test_every_file_that_was_ever_sent_gets_a_verdict_or_a_refusal(practice):
    files = [path for path in SENT_CASES.rglob("*") if path.is_file() and path.stat().st_size < 60_000_000]
    for number, file in enumerate(sorted(files)):
        fields = {**CASE, "case_id": f"C{number}"}
        answer = practice.post(REFERRALS, data=fields, files=close_up(file.read_bytes(), file.name))
        assert answer.status_code == 200, (file, answer.text)
        verdict = answer.json()["photographs"][0]
        assert verdict["usable"] != bool(verdict["take_again"]), file
    heic = (SENT_CASES / "heic" / "IMG_0001.jpg").read_bytes()  # no more than a header
    said = practice.post(QUALITY, files=close_up(heic)).json()["photographs"][0]["take_again"]
    assert said.startswith("the HEIC is damaged")


def test_on_a_full_disk_nothing_is_acknowledged_and_the_sender_is_asked_to_come_again(practice, monkeypatch):
    def full(inbox, entry):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Inbox, "keep", full)
    answer = practice.post(REFERRALS, data=CASE, files=close_up(jpeg()))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "300")
    assert "device" not in answer.text
    monkeypatch.undo()
    assert practice.post(REFERRALS, data=CASE, files=close_up(jpeg())).status_code == 200


def test_a_broken_service_says_so_and_names_no_reason(practice, registry, champion, application):
    registry.workspace.audit_log.write_bytes(b"{}\n")
    answer = practice.post(REFERRALS, data=CASE, files=close_up(jpeg()))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "300")
    assert "audit" not in answer.text
