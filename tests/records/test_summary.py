"""Each record in one line."""

from dataclasses import replace

import pytest

from dermai.audit import Entry
from dermai.records.summary import summarise, version_of

BY = "by Ana Silva (head of dermatology): "
SAID = {
    1: ("", "gate policy 4b31ba7d3515 approved by dermai (shipped default): initial policy, as dermai ships it"),
    3: ("1", f"first champion, {BY}the report was read"),
    4: ("1", "promotion of record 3 done"),
    5: ("", "Nothing to learn: compared with the champion's manifest, with photographs: none new."),
    10: ("2", "promotion of record 9 done (repaired)"),
    11: ("1", f"back from version 2, {BY}two melanomas were missed"),
    15: ("", "validate_cases: ValueError: patient 7 is in two splits"),
    18: ("3", "reject against version 1: the lower bound for MM is 0.61, under its floor of 0.70"),
    19: ("3", f"{BY}worse on dark skin"),
    22: ("4", f"in place of version 1, {BY}the report was read"),
    23: ("4", "promotion of record 22 is void: the registry has no version 4 of dermai (repaired)"),
    24: ("", "a torn line of 57 bytes after record 23 was moved to audit.torn-after-23-e16a0b"),
    25: ("", "back to the 22 records of the backup of 2026-11-28T03:27:15+00:00, 1 newer records given up"),
}


def test_every_record_of_the_stored_log_has_a_sentence(stored_log):
    assert all(summarise(entry) for entry in stored_log.entries())


@pytest.mark.parametrize("sequence", SAID)
def test_a_record_says_what_happened(stored_log, sequence):
    entry = stored_log.entries()[sequence - 1]
    assert (version_of(entry), summarise(entry)) == SAID[sequence]


def test_alarms_refusals_and_rotations_say_what_matters(stored_log):
    said = {entry.sequence: summarise(entry) for entry in stored_log.entries()}
    assert said[6].startswith("insufficient evidence against version 1: ")
    assert "more reasons: `dermai audit show --json`" in said[6]
    assert said[7].startswith("insufficient evidence against version 1: ")
    assert said[13].startswith("promotion refused: version 2 was rolled back")
    assert said[14].startswith("update refused: version 1, the champion, was made from commit ")
    assert "verdict act" in said[16]
    assert "lesions 12" in said[17]
    assert "gave way to" in said[26]


def test_a_record_that_cannot_be_read_is_said_to_be_another_releases():
    entry = Entry("log", 1, "2030-01-01T00:00:00", "promotion", {"candidate": "9"}, "", "", "")
    assert (version_of(entry), "another release" in summarise(entry)) == ("", True)


def test_an_attempt_says_with_which_profile_it_was_made(stored_log):
    entry = stored_log.entries()[4]
    values = {"training.first_epochs": 5}
    named = replace(entry, body={**entry.body, "profile": "demo", "overrides": values})
    assert summarise(named) == f"{SAID[5][1]} (profile demo)"
    single = replace(entry, body={**entry.body, "overrides": values})
    assert summarise(single) == f"{SAID[5][1]} (other than in params.yaml: training.first_epochs)"
