from tests.conftest import REPOSITORY
from web.accounts.roles import PERMISSIONS, Permission, Role, may, permission_table


def test_the_documentation_shows_the_table_that_decides():
    assert permission_table() in (REPOSITORY / "docs/web.md").read_text(encoding="utf-8")


def test_photographs_of_all_cases_are_for_those_who_read_them():
    assert {role for role in Role if may(role, Permission.READ_CASES)} == {Role.DERMATOLOGIST, Role.CLINICAL_LEAD}


def test_a_practice_sees_nothing_of_the_others():
    own = {Permission.USE_OWN_ACCOUNT, Permission.READ_OWN_CASES, Permission.SEND_REFERRALS}
    assert PERMISSIONS[Role.PRACTICE] == own


def test_only_a_clinical_lead_decides_and_only_an_auditor_sees_who_looked():
    assert [role for role in Role if may(role, Permission.DECIDE)] == [Role.CLINICAL_LEAD]
    assert [role for role in Role if may(role, Permission.READ_ACCESS_LOG)] == [Role.AUDITOR]
