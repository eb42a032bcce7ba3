import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from dermai.audit import AuditLog
from dermai.environment import TELEMETRY_OFF
from dermai.errors import DermaiError
from tests.integration.services import free_port
from tests.web.visitors import csrf_of
from web.database import migrate, open_database
from web.server import Exposure, first_account

BEYOND = "would cross the network readable"


@pytest.mark.parametrize(
    ("exposure", "said"),
    [
        (Exposure(host="0.0.0.0"), BEYOND),
        (Exposure(host="10.0.0.7"), BEYOND),
        (Exposure(address="http://dermai.hospital.example"), BEYOND),
        (Exposure(host="0.0.0.0", address="dermai.hospital.example"), "write it as https://"),
        (Exposure(certificate=Path("cert.pem")), "belong together"),
        (Exposure(certificate=Path("cert.pem"), key=Path("key.pem")), "cert.pem is not there"),
        (Exposure(host="0.0.0.0", certificate=Path(__file__), key=Path(__file__)), "--address is missing"),
    ],
)
def test_it_is_not_reached_from_other_machines_without_tls(exposure, said):
    with pytest.raises(DermaiError, match=said):
        exposure.check()


def test_it_is_called_by_the_name_that_people_type():
    exposure = Exposure(host="0.0.0.0", address="https://dermai.hospital.example")
    exposure.check()
    assert exposure.secure
    assert "dermai.hospital.example" in exposure.names
    assert exposure.shown == "https://dermai.hospital.example"
    assert not Exposure().secure


def test_a_first_account_is_made_once_and_only_on_this_machine(workspace):
    database = open_database(workspace)
    migrate(database)
    with pytest.raises(DermaiError, match="dermai account add"):
        first_account(workspace, database, may_make=False)
    assert re.fullmatch(r"(\w{4}-){3}\w{4}", first_account(workspace, database, may_make=True))
    assert first_account(workspace, database, may_make=True) == ""
    (record,) = AuditLog(workspace.audit_log).entries()
    assert (record.event, record.body["through"]) == ("account_changed", "first_start")


def test_the_command_prints_a_password_that_opens_the_service(workspace):
    port = free_port()
    command = [Path(sys.executable).with_name("dermai"), "dashboard", "--port", str(port)]  # its earlier name, too
    environment = {**os.environ, **TELEMETRY_OFF}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        lines = [process.stdout.readline() for _ in range(4)]
        name, password = re.search(r"name (\S+), password (\S+) ", "".join(lines)).groups()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", follow_redirects=True) as client:
            deadline = time.monotonic() + 60
            while True:
                try:
                    page = client.get("/")
                    break
                except httpx.ConnectError:
                    assert time.monotonic() < deadline
                    time.sleep(0.2)
            form = {"csrf": csrf_of(page.text), "name": name, "password": password}
            page = client.post("/sign-in", data=form)
            assert page.status_code == 200
            assert "clinical lead" in page.text
            assert "server" not in page.headers
    finally:
        process.terminate()
        said = process.communicate(timeout=30)[0]
    assert "/sign-in" not in said, "what was asked for is not written to a log"
