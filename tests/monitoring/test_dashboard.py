"""The dashboard in a real browser, over the real command, and its access control."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from dermai.environment import TELEMETRY_OFF
from dermai.errors import DermaiError
from dermai.registry.registry import Registry
from dermai.workspace import WORKSPACE_VARIABLE, Workspace
from monitoring.dashboard.server import check_exposure, served_file
from monitoring.drift_run import run_monitoring
from tests.monitoring.production import make_champion, quick_params, week
from tests.report.browser import chromium, logged, requested

TOKEN = "a-token-of-more-than-sixteen"


@pytest.fixture(scope="module")
def judged(tmp_path_factory, mlflow_store):
    """A workspace with a champion, a worklist and one judged window."""
    folder = tmp_path_factory.mktemp("judged")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DERMAI_PSEUDONYM_KEY_FILE", str(folder / "pseudonym.key"))
        patched.setenv("DERMAI_AUDIT_KEY_FILE", str(folder / "audit.key"))
        patched.delenv("MLFLOW_TRACKING_URI", raising=False)
        workspace = Workspace(folder / "workspace")
        workspace.root.mkdir()
        shutil.copy(Path(__file__).parents[2] / "params.yaml", workspace.root)
        shutil.copy(mlflow_store, workspace.root)
        make_champion(Registry(workspace, quick_params(workspace)), workspace, folder / "known")
        week(workspace, folder / "latest", 1, brightness=0.45)
        run_monitoring(workspace, quick_params(workspace), "first")
    return workspace


def started(workspace, *options, **environment):
    """The dashboard's process and address, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [Path(sys.executable).parent / "dermai", "dashboard", "--port", str(port), *options],
        env={**os.environ, **TELEMETRY_OFF, WORKSPACE_VARIABLE: str(workspace.root), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 90
    while True:
        try:
            status(address + "/reports/none")
        except urllib.error.URLError:
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < deadline, "the dashboard never answered"
            time.sleep(0.2)
        else:
            return process, address


def status(address, method="GET", **headers):
    """What the server answers, without following a redirect."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    request = urllib.request.Request(address, method=method, headers=headers)
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture(scope="module")
def dashboard(judged):
    process, address = started(judged)
    yield address
    process.terminate()
    process.wait(20)


def show(driver, width):
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )


def click(driver, by, value):
    """A real click; the page would scroll smoothly, and the click would come before it arrives."""
    element = driver.find_element(by, value)
    driver.execute_script("arguments[0].scrollIntoView({behavior: 'instant', block: 'center'})", element)
    element.click()


def wait_for(driver, text):
    deadline = time.monotonic() + 40
    while text not in driver.find_element("tag name", "body").text:
        assert time.monotonic() < deadline, f"{text!r} never appeared on {driver.current_url}"
        time.sleep(0.2)


@pytest.mark.parametrize("width", [1280, 390])
def test_real_clicks_lead_from_the_start_page_into_each_report_and_back(dashboard, tmp_path, width):
    with chromium(tmp_path) as driver:
        show(driver, width)
        driver.get(dashboard + "/")
        wait_for(driver, "Perhaps not: please act")
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        for link, text in (
            ("Evidently: this window", "Distance of the photographs"),
            ("Evidently: over time", "Evidence of change"),
            ("Worklist", "The software does not decide"),
        ):
            click(driver, "link text", link)
            wait_for(driver, text)
            if link == "Worklist":
                assert driver.execute_script("return document.documentElement.scrollWidth") <= width
            driver.back()
            wait_for(driver, "Is the model still right".upper())
        click(driver, "css selector", ".strip a")
        wait_for(driver, "Distance of the photographs")
        time.sleep(1)
        assert [address for address in requested(driver) if not address.startswith(dashboard)] == []
        assert logged(driver) == []


class TestDoor:
    def test_another_host_name_is_turned_away(self, dashboard):
        assert status(dashboard + "/", Host="rebound.example") == 403

    def test_nothing_can_be_changed(self, dashboard):
        assert status(dashboard + "/api/projects", method="POST") == 405
        assert status(dashboard + "/api/projects/x", method="DELETE") == 405

    def test_only_pages_below_the_reports_are_served(self, judged):
        (judged.reports / "table.parquet").write_bytes(b"")
        (judged.reports / "page.html").write_text("a page")
        assert served_file(judged.reports, "page.html")
        for place in ("table.parquet", "../params.yaml", "/etc/hostname", "\0", "monitor_drift/first/monitoring.json"):
            assert served_file(judged.reports, place) is None

    def test_beyond_this_machine_a_long_token_is_needed(self):
        with pytest.raises(DermaiError, match="DERMAI_DASHBOARD_TOKEN"):
            check_exposure("0.0.0.0", "")
        with pytest.raises(DermaiError, match="shorter than 16"):
            check_exposure("0.0.0.0", "secret")
        check_exposure("0.0.0.0", TOKEN)

    def test_with_a_token_nothing_opens_without_it(self, judged):
        process, address = started(judged, DERMAI_DASHBOARD_TOKEN=TOKEN)
        try:
            for place in ("/", "/projects", "/api/projects", "/reports/page.html"):
                assert status(address + place) == 401
            assert status(address + "/?token=wrong-token-of-some-length") == 401
            assert status(address + f"/?token={TOKEN}") == 303
            assert status(address + "/reports/none", Authorization=f"Bearer {TOKEN}") == 404
            assert status(address + "/reports/none", Cookie=f"dermai_dashboard={TOKEN}") == 404
        finally:
            process.terminate()
            process.wait(20)
