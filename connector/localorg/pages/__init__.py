"""The window on the local org: accounts and one account as an admin would see them. Read-only HTML.

The server mounts `handle` for every GET that is no API call. All text is escaped by the templates; a page never
changes the org and needs nothing but the org.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from werkzeug.wrappers import Request, Response

from connector.localorg.pages.accounts import read_account_list
from connector.localorg.pages.record import read_account_page

if TYPE_CHECKING:
    from connector.localorg.org import Org

_ACCOUNT_PATH = re.compile(r"^/accounts/([a-zA-Z0-9]{15,18})/?$")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

_templates = Environment(
    loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def handle(org: Org, request: Request) -> Response | None:
    """Answer a browser's GET, or None when the path is not one of the pages."""
    if request.method not in ("GET", "HEAD"):
        return None
    if request.path == "/":
        return _page("accounts.html.j2", page=read_account_list(org, request.args))
    if request.path == "/window.css":
        return _respond(_stylesheet(), 200, "text/css; charset=utf-8")
    found = _ACCOUNT_PATH.match(request.path)
    return _show_account(org, found.group(1)) if found else None


def _show_account(org: Org, record_id: str) -> Response:
    page = read_account_page(org, record_id)
    if page is None:
        return _page("missing.html.j2", status=404, record_id=record_id)
    return _page("account.html.j2", page=page)


def _page(template: str, *, status: int = 200, **context: object) -> Response:
    return _respond(_templates.get_template(template).render(**context), status, "text/html; charset=utf-8")


def _respond(body: str, status: int, content_type: str) -> Response:
    return Response(body, status, headers=_HEADERS, content_type=content_type)


def _stylesheet() -> str:
    return resources.files(__package__).joinpath("window.css").read_text(encoding="utf-8")
