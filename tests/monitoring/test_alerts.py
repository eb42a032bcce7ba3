"""Alerts as their receivers get them, over real HTTP and SMTP on this machine."""

import datetime
import ipaddress
import logging
import ssl
import time

import pytest

from dermai.config import MonitoringParams
from dermai.doctor.secrets import VARIABLES
from monitoring import alert_delivery
from monitoring.alerts import AlertFailed, send_alerts, unusable_receivers

SUBJECT, SENTENCES = "dermai: act", ("The photographs are darker.", "São João has a new phone.")
FACTS = {"model_version": "3", "windows": [7, 8], "causes": ["photography"]}
OURS = {"subject": SUBJECT, "text": "\n".join([SUBJECT, *SENTENCES]), **FACTS}


def by_mail(server, **settings):
    return MonitoringParams(smtp_host="127.0.0.1", smtp_port=server.port, mail_to=("team@example.org",), **settings)


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """A key and certificate for 127.0.0.1 that this process trusts."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return file


class TestWebhook:
    def test_json_holds_subject_text_and_the_facts_and_nothing_else(self, webhook):
        params = MonitoringParams(webhook=f"{webhook.address}/alerts?room=1&room=2")
        assert send_alerts(params, SUBJECT, SENTENCES, FACTS) == 1
        ((path, alert, _),) = webhook.received
        assert (path, alert) == ("/alerts?room=1&room=2", OURS)

    def test_the_environment_goes_before_the_parameters(self, webhook, monkeypatch):
        monkeypatch.setenv("DERMAI_ALERT_WEBHOOK", f"{webhook.address}/secret")
        assert send_alerts(MonitoringParams(webhook="http://127.0.0.1:9"), SUBJECT, SENTENCES, FACTS) == 1
        assert webhook.received[0][0] == "/secret"

    @pytest.mark.parametrize(
        ("status", "why"),
        [(500, "status 500"), *((status, f"status {status}") for status in (301, 302, 303, 307, 308))],
    )
    def test_one_that_refuses_or_sends_elsewhere_is_named_with_its_status(self, webhook, status, why):
        webhook.status = status
        with pytest.raises(AlertFailed, match=f"the webhook did not take the alert .{why}"):
            send_alerts(MonitoringParams(webhook=webhook.address), SUBJECT, SENTENCES, FACTS)
        assert len(webhook.received) == 1

    def test_one_that_is_no_http_address_is_said_and_not_shown(self):
        params = MonitoringParams(webhook="ftp://token@hospital.example")
        with pytest.raises(AlertFailed, match="the webhook is no http address") as refused:
            send_alerts(params, SUBJECT, SENTENCES, FACTS)
        assert "token" not in str(refused.value)

    @pytest.mark.parametrize("habit", ["hangs", "drips", "garbage"])
    def test_one_that_gives_no_answer_ends_in_time_and_shows_no_address(self, odd_receiver, monkeypatch, habit):
        monkeypatch.setattr(alert_delivery, "TIME_LIMIT", 5.0)
        odd_receiver.habit = habit
        started = time.monotonic()
        with pytest.raises(AlertFailed, match="the webhook did not take the alert") as failed:
            send_alerts(MonitoringParams(webhook=f"{odd_receiver.address}/T0secret"), SUBJECT, SENTENCES, FACTS)
        assert time.monotonic() - started < 30
        assert "T0secret" not in str(failed.value)

    @pytest.mark.parametrize("address", ["http://a b/T0secret", "http://a:port/T0secret", "http://a/T0secret\nX: y"])
    def test_one_with_a_blank_or_a_bad_port_is_refused_and_not_shown(self, address):
        with pytest.raises(AlertFailed, match="is no http address") as failed:
            send_alerts(MonitoringParams(webhook=address), SUBJECT, SENTENCES, FACTS)
        assert "T0secret" not in str(failed.value)


class TestMail:
    def test_a_recipient_who_is_refused_is_tried_again_alone(self, mail_server):
        mail_server.refused = "second@example.org"
        params = by_mail(mail_server).model_copy(update={"mail_to": ("first@example.org", "second@example.org")})
        taken = []
        with pytest.raises(AlertFailed, match="recipient 2 did not take"):
            send_alerts(params, SUBJECT, SENTENCES, FACTS, taken=taken.append)
        mail_server.refused = ""
        send_alerts(params, SUBJECT, SENTENCES, FACTS, already=tuple(taken))
        assert ["To: first" in mail for mail in mail_server.received] == [True, False]
        assert all("\nDate: " in mail and "\nMessage-ID: " in mail for mail in mail_server.received)

    def test_a_line_feed_in_a_recipient_is_refused(self, mail_server):
        params = by_mail(mail_server).model_copy(update={"mail_to": ("team@example.org\nBcc: other@example.org",)})
        with pytest.raises(AlertFailed, match="mail_to no address"):
            send_alerts(params, SUBJECT, SENTENCES, FACTS)
        assert mail_server.received == []

    def test_an_e_mail_says_what_changed(self, mail_server):
        params = by_mail(mail_server)
        assert send_alerts(params, "dermai: act", ("The photographs are darker.",), {}) == 1
        assert "Subject: dermai: act" in mail_server.received[0]
        assert "To: team@example.org" in mail_server.received[0]
        assert "The photographs are darker." in mail_server.received[0]
        assert mail_server.logins == []

    def test_a_receiver_that_is_away_is_named(self):
        params = MonitoringParams(smtp_host="127.0.0.1", smtp_port=9, mail_to=("team@example.org",))
        with pytest.raises(AlertFailed, match=r"127\.0\.0\.1 did not take the e-mail .Connection refused"):
            send_alerts(params, "dermai: act", (), {})

    def test_a_login_goes_over_tls(self, mail_server, certificate, monkeypatch):
        mail_server.certificate, mail_server.password = certificate, "50%25 pass@word"
        monkeypatch.setenv("DERMAI_SMTP_USER", "dermai@hospital.example")
        monkeypatch.setenv("DERMAI_SMTP_PASSWORD", mail_server.password)
        assert send_alerts(by_mail(mail_server, mail_from="a@b.example"), SUBJECT, SENTENCES, FACTS) == 1
        assert mail_server.logins == [("dermai@hospital.example", mail_server.password, True)]
        assert "From: a@b.example" in mail_server.received[0]

    def test_a_server_without_tls_or_of_an_unknown_authority_gets_no_password(
        self, mail_server, certificate, monkeypatch
    ):
        monkeypatch.setenv("DERMAI_SMTP_USER", "dermai")
        monkeypatch.setenv("DERMAI_SMTP_PASSWORD", "correct horse")
        with pytest.raises(AlertFailed, match="did not take the e-mail"):
            send_alerts(by_mail(mail_server), SUBJECT, SENTENCES, FACTS)
        mail_server.certificate = certificate
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(AlertFailed, match="certificate verify failed"):
            send_alerts(by_mail(mail_server), SUBJECT, SENTENCES, FACTS)
        assert mail_server.logins == mail_server.received == []

    def test_a_wrong_password_is_said_and_not_shown(self, mail_server, certificate, monkeypatch):
        mail_server.certificate = certificate
        monkeypatch.setenv("DERMAI_SMTP_USER", "dermai")
        monkeypatch.setenv("DERMAI_SMTP_PASSWORD", "correct horse")
        with pytest.raises(AlertFailed, match="status 535") as refused:
            send_alerts(by_mail(mail_server), SUBJECT, SENTENCES, FACTS)
        assert "horse" not in str(refused.value)

    def test_a_recipient_who_has_no_address_is_said_before_there_is_an_alarm(self, mail_server):
        params = by_mail(mail_server).model_copy(update={"mail_to": ("team@example.org", "nobody")})
        assert "does not understand" in unusable_receivers(params)[0]
        with pytest.raises(AlertFailed, match="does not understand"):
            send_alerts(params, SUBJECT, SENTENCES, FACTS)
        assert len(mail_server.received) == 1


class TestAddresses:
    def test_parameters_and_environment_together_name_who_is_told(self, webhook, mail_server, monkeypatch):
        monkeypatch.setenv(
            "DERMAI_ALERT_URLS",
            f"json://user:secret@127.0.0.1:{webhook.port}/json?-room=1\n"
            f"mailto://127.0.0.1:{mail_server.port}/team@example.org?from=dermai@example.org",
        )
        params = MonitoringParams(alerts=(f"form://127.0.0.1:{webhook.port}/form",))
        assert send_alerts(params, SUBJECT, SENTENCES, FACTS) == 3
        (form, text, _), (path, alert, headers) = webhook.received
        assert form == "/form"
        assert b"photographs+are+darker" in text
        assert (path, alert) == ("/json?room=1", OURS)
        assert headers["Authorization"].startswith("Basic ")
        assert "photographs are darker" in mail_server.received[0]

    def test_an_https_receiver_of_an_authority_that_the_machine_trusts_is_reached(
        self, webhook, certificate, monkeypatch
    ):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        webhook.socket = context.wrap_socket(webhook.socket, server_side=True)
        params = MonitoringParams(webhook=f"https://127.0.0.1:{webhook.port}/alerts")
        assert send_alerts(params, SUBJECT, SENTENCES, FACTS) == 1
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(AlertFailed, match="certificate verify failed"):
            send_alerts(params, SUBJECT, SENTENCES, FACTS)
        assert len(webhook.received) == 1

    def test_one_that_fails_is_named_by_its_place_and_the_others_are_told(self, webhook, monkeypatch, caplog):
        caplog.set_level(logging.DEBUG)
        secret = "/services/T0secret"
        monkeypatch.setenv("DERMAI_ALERT_URLS", f"json://127.0.0.1:9{secret} json://127.0.0.1:{webhook.port}")
        params = MonitoringParams(alerts=("nonsense://0secret", "slack://0secret"))
        with pytest.raises(AlertFailed) as failed:
            send_alerts(params, SUBJECT, SENTENCES, FACTS)
        said = str(failed.value)
        assert "address 1 of monitoring.alerts is not an address that Apprise can use" in said
        assert "address 2 of monitoring.alerts is not an address" in said
        assert "address 1 of DERMAI_ALERT_URLS did not take the alert (Connection refused)" in said
        assert "address 2 of DERMAI_ALERT_URLS" not in said
        assert "the next run sends it again" in said
        assert "0secret" not in said + caplog.text
        assert len(webhook.received) == 1
        assert len(unusable_receivers(params)) == 2

    def test_nobody_is_told_where_nobody_is_named(self):
        assert send_alerts(MonitoringParams(), "dermai: act", (), {}) == 0
        assert unusable_receivers(MonitoringParams()) == []

    def test_an_address_is_a_secret_that_the_scan_looks_for(self):
        assert {"DERMAI_ALERT_URLS", "DERMAI_ALERT_WEBHOOK"} <= set(VARIABLES)
