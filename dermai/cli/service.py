"""`dermai serve`: the service that people work in; and the name under which it was known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.command()(serve)
    application.command(hidden=True)(dashboard)


Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]
Host = Annotated[str, typer.Option(help="Address to listen on; beyond this machine TLS is needed.")]


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8600,
    address: Annotated[
        str,
        typer.Option(
            envvar="DERMAI_WEB_ADDRESS",
            help="What visitors type where TLS stands in front: https://dermai.hospital.example.",
        ),
    ] = "",
    certificate: Annotated[
        Path | None, typer.Option(help="PEM file, where the service is to speak TLS itself; with --key.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="PEM file with the certificate's private key.")] = None,
    proxy: Annotated[
        str,
        typer.Option(
            envvar="DERMAI_WEB_PROXY",
            help="Address of what stands in front: what it says of a visitor's address is believed.",
        ),
    ] = "127.0.0.1",
) -> None:
    """Serve the pages that the team works in, behind sign-in.

    Without options it is reached from this machine alone, and where no account exists a first one is made; its password
    is printed once. Accounts are managed by `dermai account`.

    Example: `dermai serve`, then open http://127.0.0.1:8600
    """
    from dermai.workspace import find_workspace
    from web.server import Exposure
    from web.server import serve as run

    run(find_workspace(), Exposure(host, port, address, certificate, key, proxy))


def dashboard(port: Port = 8600, host: Host = "127.0.0.1") -> None:
    """The earlier name of `dermai serve`."""
    print("`dermai dashboard` is now `dermai serve`: the same pages, with accounts instead of a token")
    serve(host=host, port=port)
