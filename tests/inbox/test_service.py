"""The whole way of a referral: taken in, answered, on disk, in the prediction log."""

import asyncio
import json
from dataclasses import replace

import pandas as pd
import pytest

from dermai.audit import AuditLog
from dermai.config import load_params
from dermai.data.pseudonyms import load_pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.errors import DermaiError, Refused
from dermai.inbox.answer import AGAIN, DRAWN, WITHHELD
from dermai.inbox.entries import Inbox
from dermai.inbox.sent import SentReferral
from dermai.inbox.service import Busy, KnownCase, ReferralService
from dermai.inbox.set_aside import referrals_set_aside
from dermai.models.package import ModelPackage
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import read_retakes
from dermai.prediction_log.sortings import read_sortings, record_sortings
from dermai.prediction_log.waiting_cases import referred_cases
from dermai.triage.run import received_time, run_triage
from tests.inbox.sent import photograph, receiving, referral, send
from tests.records.made import crown
from tests.triage.champion import make_champion
from tests.triage.referrals import write_referrals


@pytest.fixture
def champion(registry, tmp_path):
    return make_champion(registry, tmp_path)


@pytest.fixture
def params(workspace):
    return load_params(workspace.params_file)


def another_model(registry, folder):
    """Registered, and unlike the first."""
    package = replace(ModelPackage.load(folder / "package"), operating_points={})
    return registry.register(package.save(folder / "another"), {}, "test", {}, {})


def sent_as_in(folder, scratch):
    """The rows of a folder of referrals, each sent by itself, with its case number."""
    found = {}
    for row in pd.read_csv(folder / "cases.csv", dtype=str).to_dict("records"):
        fields = {name: row[name] for name in ("case_id", "patient_id", "age", "sex")}
        one = replace(photograph(scratch), file=folder / row["image"], role="photograph")
        found[row["case_id"]] = SentReferral("Porto", fields, (one,))
    return found


def test_a_referral_is_answered_as_a_triage_of_its_folder_answers_it(workspace, champion, params, tmp_path):
    folder = write_referrals(tmp_path / "new", 6)
    run_triage(workspace, params, folder, workspace.root / "out", received_time(""))
    listed = pd.read_csv(workspace.root / "out" / "worklist.csv", dtype=str, keep_default_na=False)
    log, inbox = PredictionLog.of(workspace), Inbox.of(workspace)
    logged = log.read(champion.version, with_embeddings=True)
    columns = [name for name in logged.table if name.startswith("p_")] + ["predicted", "diagnoses", "risk"]
    sent, numbers = sent_as_in(folder, tmp_path), SenderNumbers(load_pseudonyms(workspace))
    with receiving(workspace, params) as service:
        answers = send(service, *sent.values())
        for entry in inbox.waiting():
            place = logged.table.index[logged.table["image"] == entry.rows[0]["image"]][0]
            assert entry.scores.rows[0] == logged.table.loc[place, columns].to_dict()
            assert (entry.scores.vectors[0] == logged.embeddings[place]).all()
    for case, answer in zip(sent, answers, strict=True):
        shown = listed.set_index("case_id").loc[numbers.case(case)]
        assert answer.risk == shown["risk"]
        assert (answer.called.code if answer.called else "") == shown["model_answer"]
        assert (answer.called.reason if answer.called else "") == shown["reason"]
        assert " ".join(answer.possible) == shown["possible_diagnoses"]
        assert (answer.model.version, answer.model.package_sha256) == (champion.version, champion.sha256)
    assert len(log.read(champion.version).table) == 6, "nothing is logged twice"


def test_what_was_sent_is_logged_so_that_a_triage_of_its_folder_scores_nothing(workspace, champion, params, tmp_path):
    folder = write_referrals(tmp_path / "new", 6)
    with receiving(workspace, params) as service:
        send(service, *sent_as_in(folder, tmp_path).values())
    done = run_triage(workspace, params, folder, workspace.root / "out", received_time(""))
    assert (done.cases, done.scored_now) == (6, 0)


def test_in_company_and_alone_a_referral_gets_the_same_bits(workspace, champion, params, tmp_path):
    sent = [referral(photograph(tmp_path, seed), case=f"C{seed}", patient=f"P{seed}") for seed in range(5)]
    with receiving(workspace, params) as service:
        together = send(service, *sent)
        alone = send(service, replace(sent[2], fields={**sent[2].fields, "case_id": "alone"}))[0]
    assert alone.called == together[2].called
    log = PredictionLog.of(workspace).read(champion.version, with_embeddings=True)
    image = log.table.loc[log.table["image"].duplicated(), "image"].iloc[0]
    places = list(log.table.index[log.table["image"] == image])
    probabilities = [name for name in log.table if name.startswith("p_")]
    assert len(log.table.loc[places, probabilities].drop_duplicates()) == 1
    assert (log.embeddings[places[0]] == log.embeddings[places[1]]).all()


def test_the_same_referral_again_has_the_same_answer_and_is_there_once(workspace, champion, params, tmp_path):
    sent = referral(photograph(tmp_path), photograph(tmp_path, 1, "locating"))
    with receiving(workspace, params) as service:
        first, at_once = send(service, sent, sent)
    with receiving(workspace, params) as service:
        later = send(service, sent)[0]
    assert first == at_once == later
    cases = referred_cases(PredictionLog.of(workspace))
    assert len(cases) == 1
    assert len(PredictionLog.of(workspace).read(champion.version).table) == 2
    assert Inbox.of(workspace).count() == 0


def test_another_content_under_the_same_case_number_is_taken_in_only_when_it_says_so(
    workspace, champion, params, tmp_path
):
    with receiving(workspace, params) as service:
        first = send(service, referral(photograph(tmp_path)))[0]
        with pytest.raises(KnownCase, match=f"send them with follows={first.request_id}"):
            send(service, referral(photograph(tmp_path, 1)))
        with pytest.raises(KnownCase, match="came in under another patient") as refusal:
            send(service, referral(photograph(tmp_path, 1), patient="P-2"))
        assert first.request_id not in str(refusal.value)
        with pytest.raises(KnownCase, match="another sender's"):
            send(service, referral(photograph(tmp_path, 1), site="Braga"))
        send(service, referral(photograph(tmp_path, 1), follows=first.request_id))
    assert len(PredictionLog.of(workspace).read(champion.version).table) == 2
    assert len(referred_cases(PredictionLog.of(workspace))) == 1


def test_the_number_of_a_case_that_came_in_a_folder_is_its_own_practice_s(workspace, champion, params, tmp_path):
    folder = write_referrals(tmp_path / "new", 3)
    table = pd.read_csv(folder / "cases.csv", dtype=str).assign(site=["Porto", "Braga", ""])
    table.to_csv(folder / "cases.csv", index=False)
    porto, braga, nobody = ((row["case_id"], row["patient_id"]) for row in table.to_dict("records"))
    new = lambda known, **more: referral(photograph(tmp_path, 9), case=known[0], patient=known[1], **more)  # noqa: E731
    with receiving(workspace, params) as service:
        run_triage(workspace, params, folder, workspace.root / "out", received_time(""))
        with pytest.raises(KnownCase, match="another sender's"):
            send(service, new(braga))
        with pytest.raises(KnownCase, match="names no practice"):
            send(service, new(nobody))
        with pytest.raises(KnownCase, match="came in under another patient"):
            send(service, new((porto[0], "somebody else")))
        assert send(service, new(porto))[0].risk
    assert len(referred_cases(PredictionLog.of(workspace))) == 3


def test_a_case_of_a_folder_that_waits_for_a_photograph_is_its_own_practice_s_too(
    workspace, champion, params, tmp_path
):
    folder = write_referrals(tmp_path / "new", 1)
    table = pd.read_csv(folder / "cases.csv", dtype=str).assign(site="Braga")
    table.to_csv(folder / "cases.csv", index=False)
    photograph(tmp_path, blurred=True).file.replace(folder / table["image"][0])
    with receiving(workspace, params) as service:
        run_triage(workspace, params, folder, workspace.root / "out", received_time(""))
        assert referred_cases(PredictionLog.of(workspace)).empty
        with pytest.raises(KnownCase, match="another sender's"):
            send(service, referral(photograph(tmp_path, 1), case=table["case_id"][0], patient=table["patient_id"][0]))


def test_a_case_stays_as_urgent_as_it_was_when_a_further_photograph_is_sent(workspace, champion, params, tmp_path):
    with receiving(workspace, params) as service:
        first = send(service, referral(photograph(tmp_path)))[0]
    log = PredictionLog.of(workspace)
    (case,) = referred_cases(log)["case_id"]
    row = {"case_id": case, "patient_id": "p", "model_version": champion.version, "risk": "high_priority",
           "probability": 1.0, "drawn": True}  # fmt: skip
    record_sortings(log, pd.DataFrame([row]), received_time(""))
    with receiving(workspace, params) as service:
        further = send(service, referral(photograph(tmp_path, 1), follows=first.request_id))[0]
    assert referred_cases(log)["risk"].tolist() == ["high_priority"]
    assert further.risk == "high_priority", "the sender is told the level of the case"


def test_a_case_whose_photographs_must_be_taken_again_waits_for_them_under_its_number(
    workspace, champion, params, tmp_path
):
    with receiving(workspace, params) as service:
        answer = send(service, referral(photograph(tmp_path, blurred=True)))[0]
        assert (answer.risk, answer.no_answer) == (None, AGAIN)
        assert "blurred" in answer.photographs[0].take_again
        again = send(service, referral(photograph(tmp_path, 1), photograph(tmp_path, 2, blurred=True)))[0]
    assert [verdict.usable for verdict in again.photographs] == [True, False]
    assert again.risk is not None
    asked = read_retakes(PredictionLog.of(workspace))[0]
    assert len(asked) == 2
    assert set(asked["site"]) == {"Porto"}
    assert len(referred_cases(PredictionLog.of(workspace))) == 1


def test_a_file_that_is_no_photograph_is_a_verdict_and_no_error(workspace, champion, params, tmp_path):
    file = tmp_path / "letter"
    file.write_bytes(b"%PDF-1.7 of a patient")
    with receiving(workspace, params) as service:
        answer = send(service, referral(replace(photograph(tmp_path), file=file, sha256="1" * 64)))[0]
        checked = asyncio.run(service.check([replace(photograph(tmp_path), file=file), photograph(tmp_path)]))
    assert "PDF" in answer.photographs[0].take_again
    assert "PDF" in checked[0]
    assert checked[1] == ""


def test_without_a_champion_a_referral_is_taken_in_and_read(workspace, registry, params, tmp_path):
    with receiving(workspace, params) as service:
        answer = send(service, referral(photograph(tmp_path)))[0]
    assert (answer.risk, answer.called, answer.model, answer.no_answer) == ("priority", None, None, WITHHELD)
    assert list(referred_cases(PredictionLog.of(workspace))["risk"]) == ["priority"]


def test_a_case_that_is_drawn_for_a_second_reading_shows_no_answer(workspace, registry, champion, params, tmp_path):
    everything = params.model_copy(update={"triage": params.triage.model_copy(update={"second_reading": 1.0})})
    sent = [referral(photograph(tmp_path, seed), case=f"C{seed}", patient=f"P{seed}") for seed in range(8)]
    with receiving(workspace, everything) as service:
        answers = send(service, *sent)
    sortings = read_sortings(PredictionLog.of(workspace))[0]
    numbers = SenderNumbers(load_pseudonyms(workspace))
    normal = set(sortings.loc[sortings["risk"] == "normal", "case_id"])
    assert len(sortings) == 8
    for place, answer in enumerate(answers):
        assert answer.risk != "normal"
        assert answer.without_answer == (numbers.case(f"C{place}") in normal)
        if answer.without_answer:
            assert (answer.called, answer.possible, answer.no_answer) == (None, (), DRAWN)


def test_another_champion_answers_from_the_next_referral_on(workspace, registry, champion, params, tmp_path):
    with receiving(workspace, params) as service:
        before = send(service, referral(photograph(tmp_path)))[0]
        second = another_model(registry, tmp_path)
        crown(registry, second)
        after = send(service, referral(photograph(tmp_path, 1), case="A-2"))[0]
    assert (before.model.version, after.model.version) == (champion.version, second.version)
    log = PredictionLog.of(workspace)
    assert [len(log.read(version).table) for version in (champion.version, second.version)] == [1, 1]


def test_nothing_is_taken_in_while_records_and_registry_disagree(workspace, registry, champion, params, tmp_path):
    other = another_model(registry, tmp_path)
    with receiving(workspace, params) as service:
        registry.set_alias("champion", other.version)
        with pytest.raises(Refused, match="the records name"):
            send(service, referral(photograph(tmp_path)))
        registry.set_alias("champion", champion.version)
        assert send(service, referral(photograph(tmp_path)))[0].model.version == champion.version


def test_what_was_acknowledged_before_a_kill_is_filed_by_the_next_service(workspace, champion, params, tmp_path):
    service = ReferralService(workspace, params)
    service.start()
    send(service, referral(photograph(tmp_path)))
    service._held.close()  # as a kill does: nothing is filed, the lock is free
    (Inbox.of(workspace).folder / "arriving.tmp" / "left").mkdir(parents=True)
    assert Inbox.of(workspace).count() == 1
    with receiving(workspace, params):
        assert not (Inbox.of(workspace).folder / "arriving.tmp").exists()
    assert len(referred_cases(PredictionLog.of(workspace))) == 1
    service.close()
    assert len(PredictionLog.of(workspace).read(champion.version).table) == 1


def test_more_than_is_taken_at_once_is_sent_away(workspace, champion, params, tmp_path):
    one = params.model_copy(update={"inbox": params.inbox.model_copy(update={"most_in_hand": 1})})
    sent = [referral(photograph(tmp_path, seed), case=f"C{seed}", patient=f"P{seed}") for seed in range(3)]

    async def together(service):
        return await asyncio.gather(*map(service.receive, sent), return_exceptions=True)

    with receiving(workspace, one) as service:
        found = asyncio.run(together(service))
    assert [type(result) for result in found[1:]] == [Busy, Busy]
    assert len(referred_cases(PredictionLog.of(workspace))) == 1


def test_one_service_a_workspace(workspace, champion, params):
    with (
        receiving(workspace, params),
        pytest.raises(DermaiError, match="another service takes referrals in"),
        receiving(workspace, params),
    ):
        pass


def test_the_inbox_holds_no_number_of_the_sender_and_no_metadata(workspace, champion, params, tmp_path):
    one = photograph(tmp_path)
    with receiving(workspace, params) as service:
        send(service, referral(one, case="CASE-4711", patient="PAT-0815", lesion_id="LES-99"))
        entry = next(Inbox.of(workspace).waiting_folder.glob("*.json"))
        assert "4711" not in entry.name
        assert json.loads(entry.read_text())["answer"]["risk"]
    for file in workspace.state.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not any(text in content for text in (b"CASE-4711", b"PAT-0815", b"LES-99")), file


def test_a_referral_that_cannot_be_filed_holds_up_no_other(workspace, champion, params, tmp_path):
    sent = [referral(photograph(tmp_path, seed), case=f"C{seed}", patient=f"P{seed}") for seed in range(3)]
    with receiving(workspace, params) as service:
        send(service, *sent)
        damaged, cut, _ = sorted(Inbox.of(workspace).waiting_folder.glob("*.json"), key=lambda file: file.stat().st_ino)
        damaged.write_bytes(damaged.read_bytes()[:99])
        content = json.loads(cut.read_text())
        content["scores"]["embeddings"] = ""  # of a form that is known, and of no use
        cut.write_text(json.dumps(content))
    assert Inbox.of(workspace).count() == 0
    assert len(referred_cases(PredictionLog.of(workspace))) == 1
    aside = {one.file.name: one for one in referrals_set_aside(workspace)}
    assert set(aside) == {damaged.name, cut.name}
    assert "it could not be filed" in aside[cut.name].reason
    assert aside[cut.name].site == "Porto"


def test_what_no_referral_can_help_sets_none_aside(workspace, champion, params, tmp_path):
    sent = [referral(photograph(tmp_path, seed), case=f"C{seed}", patient=f"P{seed}") for seed in range(2)]
    with receiving(workspace, params) as service:
        send(service, *sent)
        AuditLog(workspace.audit_log).path.write_text("{}\n")
    assert Inbox.of(workspace).count() == 2
    assert referrals_set_aside(workspace) == []
