"""Where visitors come from and where they may be led."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request


def sign_in_address(wanted: str) -> str:
    """Where to sign in, and come back to a page."""
    return "/sign-in" if wanted == "/" else f"/sign-in?next={quote(wanted)}"


def within_the_service(place: str) -> str:
    """A path of this service; the start page for everything else, so that nobody is led elsewhere.

    >>> within_the_service("/reports/x.html"), within_the_service("//evil.example"), within_the_service("https://x")
    ('/reports/x.html', '/', '/')
    """
    good = place.startswith("/") and not place.startswith(("//", "/\\")) and place.isprintable()
    return place if good else "/"


def address_of(request: Request) -> str:
    """Where a visitor comes from, as the proxy in front says where one is trusted."""
    return request.client.host if request.client else ""


def report_address(report: str) -> str:
    """Where the service shows a report that a record names; empty where it names none.

    >>> report_address("reports/incremental_finetune/a/report.html"), report_address("")
    ('/reports/incremental_finetune/a/report.html', '')
    """
    return f"/{report}" if report.startswith("reports/") else ""
