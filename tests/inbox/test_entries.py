"""The inbox on disk."""

import base64
from datetime import UTC, datetime

import numpy as np

from dermai.backup.contents import kept_files
from dermai.inbox.answer import ReferralAnswer
from dermai.inbox.entries import AnsweredReferral, Inbox, Scores, keep_photograph
from dermai.inbox.set_aside import referrals_set_aside
from dermai.ingest.photographs import Photograph


def entry(request="r1", case="c" + "1" * 20, when=datetime(2026, 3, 1, tzinfo=UTC)):
    vectors = np.arange(8, dtype=np.float16).reshape(2, 4)
    return AnsweredReferral(
        request=request,
        received=when,
        case_id=case,
        patient_id="p1",
        rows=({"image": "a", "reason": "", "age": None}, {"image": "b", "reason": "", "age": 61.0}),
        answer=ReferralAnswer(request_id=request, received_at=when, photographs=(), risk="priority"),
        scores=Scores(
            version="1",
            rows=({"p_MM": float(np.float32(0.1))}, {"p_MM": 0.5}),
            embeddings=base64.urlsafe_b64encode(vectors.tobytes()),
            of_run=(),
            cautions={},
        ),
    )


def test_an_entry_comes_back_as_it_was_and_moves_when_it_is_filed(workspace):
    inbox, kept = Inbox.of(workspace), entry()
    inbox.keep(kept)
    assert inbox.waiting() == inbox.of_case(kept.case_id) == [kept]
    assert kept.scores.vectors.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    inbox.file([kept])
    assert (inbox.waiting(), inbox.count(), inbox.of_case(kept.case_id)) == ([], 0, [kept])


def test_one_that_waits_again_after_a_crash_is_one_entry_of_its_case(workspace):
    inbox, kept = Inbox.of(workspace), entry()
    inbox.keep(kept)
    inbox.file([kept])
    inbox.keep(kept)
    assert inbox.of_case(kept.case_id) == [kept]
    inbox.file([kept])
    assert inbox.count() == 0


def test_a_damaged_entry_is_set_aside_alone_with_the_reason(workspace):
    inbox, sound = Inbox.of(workspace), entry("r2")
    inbox.keep(entry())
    file = next(inbox.waiting_folder.glob("*.json"))
    file.write_text('{"request": 1}')
    inbox.keep(sound)
    assert inbox.waiting() == [sound]
    (aside,) = referrals_set_aside(workspace)
    assert (aside.file.name, aside.case_id, aside.site) == (file.name, entry().case_id, "")
    assert "it is damaged (request: Input should be a valid string)" in aside.reason
    assert aside.file.read_text() == '{"request": 1}'
    assert inbox.count() == 1


def test_a_damaged_entry_that_was_filed_keeps_no_further_referral_of_its_case_out(workspace):
    inbox, kept = Inbox.of(workspace), entry()
    inbox.keep(kept)
    inbox.file([kept])
    next(inbox.folder.glob("filed/*/*.json")).write_bytes(b"")
    assert inbox.of_case(kept.case_id) == []
    assert len(referrals_set_aside(workspace)) == 1


def test_files_of_a_referral_that_is_looked_at_are_in_no_backup_and_gone_afterwards(workspace):
    inbox = Inbox.of(workspace)
    inbox.keep(entry())
    with inbox.arriving() as folder:
        (folder / "1.tmp").write_bytes(b"a photograph with its place")
        assert [file.suffix for file in kept_files(workspace) if "inbox" in file.parts] == [".json"]
        assert (folder.parent.stat().st_mode & 0o077) == 0
    assert not folder.exists()


def test_a_photograph_is_stored_once(tmp_path):
    photograph = Photograph(b"content", "ab" + "0" * 62)
    keep_photograph(tmp_path, photograph)
    file = next(tmp_path.rglob("*.jpg"))
    before = file.stat().st_mtime_ns
    keep_photograph(tmp_path, photograph)
    assert file.stat().st_mtime_ns == before
    file.write_bytes(b"half")
    keep_photograph(tmp_path, photograph)
    assert file.read_bytes() == b"content"
