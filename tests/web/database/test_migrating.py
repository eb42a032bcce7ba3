"""The same on SQLite and PostgreSQL: tables made from nothing and from a filled database, and what is kept in them."""

import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DatabaseError, IntegrityError

from dermai.errors import DermaiError, ServiceUnavailable
from tests.web.database.servers import new_database, postgres
from web import application  # noqa: F401  every room's tables are known
from web.accounts.access_log import accesses, note_access
from web.accounts.people import account_named, add_account
from web.accounts.roles import Role
from web.accounts.tables import Account, SignInSession
from web.accounts.throttling import (
    MOST_OF_A_NAME,
    MOST_OF_A_SESSION,
    begin_attempt,
    begin_attempt_of_session,
    forget_failures_of_session,
)
from web.accounts.visitor import Visitor
from web.api.tables import ApiToken
from web.api.tokens import add_token, count_checks, revoke_token, sender_of, tokens
from web.database import Table, migrate, open_database
from web.database.migrating import revisions
from web.reading.drafts import DraftReading, drafts_of, drop_draft, keep_draft, others_reading
from web.reading.follow_ups import ask_for_follow_up, owed_follow_up
from web.reading.tables import FollowUp

PASSWORD = "a password that is long"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request):
    """None: SQLite needs none."""
    with ExitStack() as stack:
        yield stack.enter_context(postgres()) if request.param == "postgresql" else None


@pytest.fixture
def database(server, workspace, tmp_path):
    found = open_database(workspace, new_database(tmp_path, server))
    yield found
    found.close()


@pytest.fixture
def filled(database):
    migrate(database)
    with database.writing() as session:
        add_account(session, "a.silva", "A. Silva", Role.DERMATOLOGIST, PASSWORD)
    return database


class TestMigrating:
    def test_from_nothing_the_tables_are_those_that_the_code_declares(self, database):
        migrate(database)
        with database.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []

    def test_there_is_one_line_of_migrations_without_forks(self, filled):
        own, heads = revisions(filled)
        assert heads == (own,)

    def test_a_filled_database_of_the_first_form_keeps_what_it_holds(self, database):
        migrate(database, "0001")
        with database.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO accounts (name, person, role, site, password_hash, created_at) "
                    "VALUES ('a.silva', 'A. Silva', 'practice', 'Porto', '', '2026-03-01 10:00:00')"
                )
            )
        migrate(database)
        with database.reading() as session:
            account = account_named(session, "a.silva")
        assert (account.site, account.created_at.date().isoformat()) == ("Porto", "2026-03-01")

    def test_several_services_that_start_together_do_it_once(self, database):
        failures = []

        def start():
            try:
                migrate(database)
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=start) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert inspect(database.engine).has_table("accounts")

    def test_an_older_release_refuses_the_tables_of_a_newer_one(self, filled):
        with filled.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = 'of the future'"))
        with pytest.raises(DermaiError, match="made by another release"):
            migrate(filled)


class TestTables:
    def test_who_looked_at_a_case_can_be_added_to_and_nothing_else(self, filled):
        with filled.reading() as session:
            visitor = Visitor.of(account_named(session, "a.silva"))
        note_access(filled, visitor, "c1", "photograph")
        for statement in ("UPDATE case_accesses SET case_id = 'c2'", "DELETE FROM case_accesses"):
            with pytest.raises(DatabaseError, match="only added to"), filled.engine.begin() as connection:
                connection.execute(text(statement))
        with filled.reading() as session:
            (line,) = accesses(session, "c1")
        assert (line.account.person, line.role, line.what) == ("A. Silva", "dermatologist", "photograph")

    def test_a_session_of_nobody_and_a_role_that_is_none_are_refused(self, filled):
        now = datetime.now(UTC)
        with pytest.raises(IntegrityError), filled.writing() as session:
            session.add(SignInSession(secret_hash="x", account_id=99, began_at=now, seen_at=now))
        with pytest.raises(IntegrityError), filled.writing() as session:
            account_named(session, "a.silva").role = "king"

    def test_moments_come_back_as_they_were_and_one_without_a_zone_is_refused(self, filled):
        moment = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
        with filled.writing() as session:
            account_named(session, "a.silva").disabled_at = moment
        with filled.reading() as session:
            assert account_named(session, "a.silva").disabled_at == moment
        with pytest.raises(Exception, match="has no zone"), filled.writing() as session:
            account_named(session, "a.silva").disabled_at = datetime(2026, 7, 1)

    def test_what_fails_leaves_nothing(self, filled):
        def add_and_fail():
            with filled.writing() as session:
                add_account(session, "b.silva", "B. Silva", Role.MANAGER, PASSWORD)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            add_and_fail()
        with filled.reading() as session:
            assert [account.name for account in session.scalars(select(Account))] == ["a.silva"]

    def test_guesses_that_come_together_are_all_counted(self, filled):
        let_in = []

        def guess():
            with filled.writing() as session:
                if begin_attempt(session, "a.silva", "10.0.0.1"):
                    let_in.append(1)

        threads = [threading.Thread(target=guess) for _ in range(MOST_OF_A_NAME * 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(let_in) == MOST_OF_A_NAME

    def test_password_guesses_of_a_session_that_come_together_are_all_counted(self, filled):
        let_in = []

        def guess():
            with filled.writing() as session:
                if begin_attempt_of_session(session, "a secret"):
                    let_in.append(1)

        threads = [threading.Thread(target=guess) for _ in range(MOST_OF_A_SESSION * 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(let_in) == MOST_OF_A_SESSION
        with filled.writing() as session:
            assert begin_attempt(session, "a.silva", "10.0.0.1")
            forget_failures_of_session(session, "a secret")
            assert begin_attempt_of_session(session, "a secret")

    def test_a_draft_is_one_a_reader_and_lesion_is_seen_by_others_and_goes_when_it_is_signed(self, filled):
        with filled.writing() as session:
            other = add_account(session, "b.silva", "B. Silva", Role.DERMATOLOGIST, PASSWORD).id
            own = account_named(session, "a.silva").id
        for diagnosis, note in (("Nev", "first"), ("MM", "thicker\nthan \u00e7")):
            keep_draft(filled, own, "c1", "l1", DraftReading(diagnosis, "histology", note))
        assert drafts_of(filled, own, "c1") == {"l1": DraftReading("MM", "histology", "thicker\nthan \u00e7")}
        assert drafts_of(filled, other, "c1") == {}
        ((person, since),) = others_reading(filled, other, "c1")
        assert person == "A. Silva"
        assert datetime.now(UTC) - since < timedelta(minutes=1)
        drop_draft(filled, own, "c1", "l1")
        assert drafts_of(filled, own, "c1") == {}
        with pytest.raises(IntegrityError):
            keep_draft(filled, 99, "c1", "l1", DraftReading("Nev"))

    def test_what_follows_of_signed_readings_is_owed_until_it_is_done(self, filled):
        ask_for_follow_up(filled)
        assert owed_follow_up(filled) is None, "it is not late yet"
        with filled.writing() as session:
            session.scalars(select(FollowUp)).one().problem = "the disk is full"
        assert owed_follow_up(filled) == "the disk is full"
        with filled.writing() as session:
            session.scalars(select(FollowUp)).one().done_at = datetime.now(UTC)
        assert owed_follow_up(filled) is None

    def test_a_token_is_found_by_its_secret_until_it_is_over_or_withdrawn(self, filled):
        with filled.writing() as session:
            token, secret = add_token(session, "Porto", 30, "the two phones")
            prefix = token.prefix
        sender = sender_of(filled, secret)
        assert sender.site == "Porto"
        count_checks(filled, sender, 2)
        count_checks(filled, sender, 3)
        with filled.reading() as session:
            (kept,) = tokens(session)
        assert (kept.quality_checks, secret in kept.secret_hash) == (5, False)
        assert datetime.now(UTC) - kept.used_at < timedelta(minutes=1)
        with filled.writing() as session:
            tokens(session)[0].expires_at = datetime.now(UTC) - timedelta(seconds=1)
        assert sender_of(filled, secret) is None
        with filled.writing() as session:
            tokens(session)[0].expires_at = datetime.now(UTC) + timedelta(days=1)
            revoke_token(session, prefix)
        assert sender_of(filled, secret) is None
        with pytest.raises(IntegrityError), filled.writing() as session:
            session.add(ApiToken(prefix=prefix, secret_hash="x", site="Porto", created_at=datetime.now(UTC),
                                 expires_at=datetime.now(UTC)))  # fmt: skip

    def test_who_saw_what_is_paged(self, filled):
        with filled.reading() as session:
            visitor = Visitor.of(account_named(session, "a.silva"))
        for number in range(5):
            note_access(filled, visitor, f"c{number}", "photograph")
        with filled.reading() as session:
            first = accesses(session, most=3)
            assert [line.case_id for line in first] == ["c4", "c3", "c2"]
            assert [line.case_id for line in accesses(session, before=first[-1].id)] == ["c1", "c0"]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mysql://a:b@c/d", "mysql is no database of dermai"),
        ("nothing at all", "no address of a database"),
        ("oracle+none://x", "no database of dermai"),
    ],
)
def test_an_address_of_no_use_is_refused_without_its_password(workspace, address, said):
    with pytest.raises(DermaiError, match=said):
        open_database(workspace, address)


def test_a_server_that_does_not_answer_is_said_without_its_password(workspace):
    pytest.importorskip("psycopg2")
    with pytest.raises(ServiceUnavailable, match="does not answer") as raised:
        migrate(open_database(workspace, "postgresql://dermai:geheim@127.0.0.1:1/dermai"))
    assert "geheim" not in str(raised.value)


def test_the_embedded_database_is_for_its_owner_alone(workspace):
    database = open_database(workspace)
    migrate(database)
    modes = {file.name: file.stat().st_mode & 0o777 for file in workspace.service_database.parent.iterdir()}
    assert set(modes.values()) == {0o600}, modes
