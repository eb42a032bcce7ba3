"""Running the service: on this machine alone, or reached from others by TLS and by nothing else."""

from __future__ import annotations

import ipaddress
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import select

from dermai.errors import DermaiError
from dermai.workspace import Workspace
from web.accounts.passwords import generated
from web.accounts.people import add_account
from web.accounts.recording import Recorder
from web.accounts.roles import Role
from web.accounts.tables import Account
from web.application import create_application
from web.database import Database, migrate, open_database
from web.frame.service import LOOPBACK

# A thread that comes back from the disk or the network goes on after so long, and not after Python's 5 ms, while others
# look at photographs: under load an answer comes sooner, and there are more of them in a second.
SWITCH_SECONDS = 0.001
FIRST_NAME, FIRST_ROLE = "first", Role.CLINICAL_LEAD


@dataclass(frozen=True)
class Exposure:
    """Where the service listens and how it is reached.

    `address` is what visitors type, where that is not host and port: https://dermai.hospital.example. `certificate` and
    `key` let the service speak TLS itself; else what stands in front does. `proxy` is the address of that: what it says
    of a visitor's own address is believed.
    """

    host: str = "127.0.0.1"
    port: int = 8600
    address: str = ""
    certificate: Path | None = None
    key: Path | None = None
    proxy: str = "127.0.0.1"

    @property
    def secure(self) -> bool:
        """Whether visitors come by TLS alone."""
        return self.certificate is not None or self.address.startswith("https://")

    @property
    def names(self) -> frozenset[str]:
        """The names by which visitors may ask for it, besides those of this machine itself."""
        named = (urlsplit(self.address).hostname or "") if self.address else self.host
        return LOOPBACK | {named}

    @property
    def shown(self) -> str:
        """The address to open."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.address or f"{'https' if self.secure else 'http'}://{host}:{self.port}"

    def check(self) -> None:
        """Refuse what would send passwords and photographs over a network where others read along.

        Raises:
            DermaiError: the service would be reached from other machines without TLS, or an option makes no sense.
        """
        parts = urlsplit(self.address)
        if self.address and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/")):
            raise DermaiError(f"--address {self.address}: write it as https://dermai.hospital.example")
        if (self.certificate is None) != (self.key is None):
            raise DermaiError("--certificate and --key belong together")
        for file in (self.certificate, self.key):
            if file is not None and not file.is_file():
                raise DermaiError(f"{file} is not there")
        beyond = not is_loopback(self.host) or (self.address and not is_loopback(parts.hostname or ""))
        if beyond and not self.secure:
            raise DermaiError(
                f"{self.address or self.host} can be reached from other machines, and passwords and photographs would "
                "cross the network readable: put TLS in front and name it with --address https://..., or give "
                "--certificate and --key"
            )
        if self.certificate is not None and not is_loopback(self.host) and not self.address:
            raise DermaiError("--address is missing: the name that the certificate is for, as https://...")


def is_loopback(host: str) -> bool:
    """Whether an address never leaves this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(workspace: Workspace, exposure: Exposure) -> None:
    """Run until it is stopped. On this machine alone, a first account is made where there is none.

    Raises:
        DermaiError: see `Exposure.check`; the port is taken; or there is no account and others would reach the service.
        ServiceUnavailable: the database does not answer.
    """
    import uvicorn

    from web.sign_in.provider import configured_provider

    exposure.check()
    configured_provider()
    check_port(exposure.host, exposure.port)
    database = open_database(workspace)
    application = create_application(workspace, database, hosts=exposure.names, secure=exposure.secure)
    password = first_account(workspace, database, may_make=is_loopback(exposure.host) and not exposure.address)
    if password:
        print(f"The first account: name {FIRST_NAME}, password {password}  (shown this once; change it, and add")
        print("accounts for everybody with `dermai account add`)")
    print(f"dermai: {exposure.shown}/  (stop with Ctrl-C)", flush=True)
    sys.setswitchinterval(SWITCH_SECONDS)
    uvicorn.run(
        application,
        host=exposure.host,
        port=exposure.port,
        log_level="warning",
        access_log=False,  # addresses of cases belong in the access log of the database, and nowhere else
        server_header=False,
        proxy_headers=bool(exposure.address),
        forwarded_allow_ips=exposure.proxy,
        ssl_certfile=exposure.certificate,
        ssl_keyfile=exposure.key,
    )


def check_port(host: str, port: int) -> None:
    """Say now what uvicorn would say in its own words.

    Raises:
        DermaiError: nothing can listen there.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise DermaiError(f"port {port} on {host} cannot be used ({error.strerror}): try --port") from None


def first_account(workspace: Workspace, database: Database, may_make: bool) -> str:
    """The password of a first account that was made now; empty where there are accounts already.

    Whoever starts the service on this machine could read every file of the workspace anyway: the account is a
    clinical lead's, who sees and decides everything.

    Raises:
        DermaiError: there is none, and none may be made.
    """
    with database.writing() as session:
        if session.scalar(select(Account.id).limit(1)) is not None:
            return ""
        if not may_make:
            raise DermaiError(
                "there is no account yet: add one first, such as `dermai account add a.silva --person 'A. Silva' "
                "--role 'clinical lead'`"
            )
        password = generated()
        account = add_account(session, FIRST_NAME, "The first account", FIRST_ROLE, password)
        Recorder.at_the_machine(workspace, "first_start").account(session, "added", account)
    return password


def opened_database(workspace: Workspace) -> Database:
    """The database for a command, in this release's form.

    Raises:
        ServiceUnavailable: it does not answer.
    """
    database = open_database(workspace)
    migrate(database)
    return database
