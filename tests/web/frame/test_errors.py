"""What is said where a page cannot be made: of what is wrong, and how to mend it."""

import pytest

from web.frame.errors import HEADINGS


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("triage: {second_reading: 7}\n", "triage.second_reading"),
        ("triage: {seccond_reading: 0.1}\n", "seccond_reading"),
        ("triage: {second_reading\n", "params.yaml is not YAML"),
    ],
)
def test_settings_that_cannot_be_read_are_named_until_they_are_mended(workspace, signed_in, settings, said):
    client, file = signed_in("manager"), workspace.root / "params.yaml"
    whole = file.read_text()
    file.write_text(settings)
    for answer in (client.get("/overview"), client.get("/nowhere"), client.get("/sign-in"), client.post("/sign-out")):
        assert answer.status_code == 503
        assert said in answer.text
        assert "mend <code>params.yaml</code>" in answer.text
    program = client.post("/api/v1/referrals")
    assert (program.status_code, program.headers["content-type"]) == (503, "application/problem+json")
    file.write_text(whole)
    assert client.get("/overview").status_code == 200


def test_records_that_are_damaged_are_named(workspace, signed_in):
    client = signed_in("manager")
    workspace.audit_log.parent.mkdir(parents=True, exist_ok=True)
    workspace.audit_log.write_text("{}\n")
    answer = client.get("/overview")
    assert answer.status_code == 503
    assert "dermai doctor" in answer.text
    assert HEADINGS[503] not in answer.text
