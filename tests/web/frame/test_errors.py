"""What is said where a page cannot be made: of what is wrong, and how to mend it."""

import pytest


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
