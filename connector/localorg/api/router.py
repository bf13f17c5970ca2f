"""The table of routes below /services/data/vXX.0, and how a request finds its own.

Called by app.py and by composite.
"""

import re
from collections.abc import Callable

from connector.localorg import errors
from connector.localorg.api import (
    changes,
    collections,
    composite,
    layouts,
    passwords,
    queries,
    records,
    resources,
    trees,
)
from connector.localorg.api.save_options import read_save_options
from connector.localorg.api.visit import Visit
from connector.localorg.api.wire import Call, Reply
from connector.localorg.bulk.routes import BULK_ROUTES

Route = Callable[..., Reply]

_VERSION = re.compile(r"v(\d+)\.0\Z")

ROUTES: tuple[tuple[tuple[str, ...], dict[str, Route]], ...] = (
    ((), {"GET": resources.list_resources}),
    (("sobjects",), {"GET": records.list_objects}),
    (("sobjects", "{name}"), {"GET": records.show_object, "POST": records.create_record}),
    (("sobjects", "{name}", "describe"), {"GET": records.describe_object}),
    (("sobjects", "{name}", "describe", "layouts"), {"GET": layouts.list_layouts}),
    (("sobjects", "{name}", "describe", "layouts", "{key}"), {"GET": layouts.show_layout}),
    (("sobjects", "{name}", "updated"), {"GET": changes.list_updated}),
    (("sobjects", "{name}", "deleted"), {"GET": changes.list_deleted}),
    (
        ("sobjects", "{name}", "{key}"),
        {"GET": records.read_record, "PATCH": records.update_record, "DELETE": records.delete_record},
    ),
    (("sobjects", "User", "{key}", "password"), {"GET": passwords.show_password, "POST": passwords.set_password}),
    (
        ("sobjects", "{name}", "{field}", "{value}"),
        {"GET": records.read_by_key, "PATCH": records.upsert_by_key, "DELETE": records.delete_by_key},
    ),
    (("query",), {"GET": queries.query}),
    (("queryAll",), {"GET": queries.query_all}),
    (("tooling", "query"), {"GET": queries.query_tooling}),
    (("query", "{locator}"), {"GET": queries.query_more}),
    (("queryAll", "{locator}"), {"GET": queries.query_more}),
    (("limits",), {"GET": resources.show_limits}),
    (("limits", "recordCount"), {"GET": resources.count_records}),
    (("composite",), {"POST": composite.run_composite}),
    (("composite", "batch"), {"POST": composite.run_batch}),
    (("composite", "graph"), {"POST": trees.run_graphs}),
    (("composite", "tree", "{name}"), {"POST": trees.create_tree}),
    (
        ("composite", "sobjects"),
        {"POST": collections.create_records, "PATCH": collections.update_records, "DELETE": collections.delete_records},
    ),
    (("composite", "sobjects", "{name}"), {"GET": collections.retrieve_asked, "POST": collections.retrieve_posted}),
    (("composite", "sobjects", "{name}", "{field}"), {"PATCH": collections.upsert_records}),
    *BULK_ROUTES,
)


def dispatch_call(visit: Visit, call: Call) -> Reply:
    """Run the route of a call, or refuse: 404 for an unknown URL, 405 for a wrong method, 410 for a retired version."""
    if call.parts[:2] != ("services", "data") or len(call.parts) < 3:
        raise errors.resource_missing()
    visit.version = read_version(call.parts[2])
    found = find_route(call.parts[3:])
    if found is None:
        raise errors.resource_missing()
    methods, names = found
    route = methods.get("GET" if call.method == "HEAD" else call.method)
    if route is None:
        raise errors.method_not_allowed(call.method, ["HEAD", *methods] if "GET" in methods else list(methods))
    if visit.depth and call.parts[3:4] == ("composite",) and call.parts[4:5] != ("sobjects",):
        raise errors.resource_missing()
    visit.txn.options = read_save_options(call)
    return route(visit, call, **names)


def read_version(text: str) -> str:
    """Return the version number of a URL, refusing what was never there (404) and what is retired (410)."""
    found = _VERSION.match(text)
    number = int(found[1]) if found else 0
    if 7 <= number < resources.OLDEST_VERSION:
        raise errors.OrgError(410, "UNSUPPORTED_API_VERSION", f"API version {number}.0 is retired")
    if found is None or not resources.OLDEST_VERSION <= number <= resources.NEWEST_VERSION:
        raise errors.resource_missing()
    return f"{number}.0"


def find_route(parts: tuple[str, ...]) -> tuple[dict[str, Route], dict[str, str]] | None:
    """Match path segments against the table; the first pattern wins, fixed words before names."""
    for pattern, methods in ROUTES:
        if len(pattern) == len(parts):
            names = _match(pattern, parts)
            if names is not None:
                return methods, names
    return None


def _match(pattern: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, str] | None:
    names: dict[str, str] = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith("{"):
            names[wanted[1:-1]] = part
        elif wanted != part:
            return None
    return names
