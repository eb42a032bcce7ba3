"""What is told each day until somebody has seen to it."""

from dermai.inbox.set_aside import set_aside
from monitoring.notices import inbox_notices


def test_referrals_that_could_not_be_filed_are_told_with_their_practice_and_no_case(workspace):
    assert inbox_notices(workspace) == []
    inbox = workspace.state / "inbox"
    waiting = inbox / "waiting"
    waiting.mkdir(parents=True)
    for name, content in (("c1-r1.json", '{"rows": [{"site": "Porto"}]}'), ("c2-r2.json", "{")):
        (waiting / name).write_text(content)
        set_aside(inbox, waiting / name, "it is damaged")
    (notice,) = inbox_notices(workspace)
    assert notice.subject == "dermai: 2 referrals could not be filed"
    said = " ".join(notice.sentences)
    assert "from Porto, a practice that is not known" in said
    assert "put it back from a backup" in said
    assert "c1" not in said
