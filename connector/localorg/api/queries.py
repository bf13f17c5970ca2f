"""Routes of query and queryAll: pages, locators, batch size (reference 2.1)."""

import re
from dataclasses import replace
from typing import Any

from connector.localorg import errors
from connector.localorg.api.columns import describe_columns
from connector.localorg.api.paging import cut_page
from connector.localorg.api.visit import Visit
from connector.localorg.api.wire import Call, Reply
from connector.localorg.locators import Result
from connector.localorg.setup_objects import Api, set_up_for
from connector.localorg.soql.run import QueryResult, run_soql

LARGEST_PAGE = 2000
SMALLEST_PAGE = 200
MOST_LONG_TEXTS = 2
_BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
_LOCATOR = re.compile(r"(?P<locator>[A-Za-z0-9]+)-(?P<offset>\d+)\Z")


def query(visit: Visit, call: Call) -> Reply:
    """GET query?q=..."""
    return _first_page(visit, call, include_deleted=False)


def query_all(visit: Visit, call: Call) -> Reply:
    """GET queryAll?q=... : with the recycle bin and archived activities"""
    return _first_page(visit, call, include_deleted=True)


def query_tooling(visit: Visit, call: Call) -> Reply:
    """GET tooling/query?q=... : what the org's own rules are"""
    return _first_page(visit, call, include_deleted=False, api="tooling")


def _first_page(visit: Visit, call: Call, *, include_deleted: bool, api: Api = "data") -> Reply:
    soql = call.query.get("q")
    if not soql:
        raise errors.OrgError(400, "MALFORMED_QUERY", "A query string has to be specified")
    if call.query.get("columns", "").lower() == "true":
        return Reply(200, describe_columns(visit, soql, include_deleted=include_deleted))
    with set_up_for(visit.txn, soql, api):
        found = run_soql(visit.txn, soql, include_deleted=include_deleted, version=visit.version)
    result = Result(found.records, page_size(call, found), visit.user_id, visit.org.clock.now(), found.nested)
    return Reply(200, _page(visit, result, 0, None, found.total))


def page_size(call: Call, found: QueryResult) -> int:
    """The page size a client asks for, within what Salesforce grants; rows with long texts come 200 at a time."""
    if found.long_texts >= MOST_LONG_TEXTS:
        return SMALLEST_PAGE
    asked = _BATCH_SIZE.search(call.header("sforce-query-options"))
    return min(max(int(asked[1]), SMALLEST_PAGE), LARGEST_PAGE) if asked else LARGEST_PAGE


def _page(visit: Visit, result: Result, first: int, locator: str | None, total: int) -> dict[str, Any]:
    """One page; a result that goes on gets a locator, unless it has one."""

    def keep_rest(records: list[dict[str, Any]], after: int) -> str:
        kept = visit.org.locators.keep(replace(result, records=records))
        return f"{visit.base}/query/{kept}-{after}"

    page = cut_page(result.records, first, result.page, keep_rest if result.nested else None)
    shown: dict[str, Any] = {"totalSize": total, "done": page.after >= len(result.records)}
    if not shown["done"]:
        locator = locator or visit.org.locators.keep(result)
        shown["nextRecordsUrl"] = f"{visit.base}/query/{locator}-{page.after}"
    return {**shown, "records": page.records}


def query_more(visit: Visit, call: Call, locator: str) -> Reply:  # noqa: ARG001 - routes share one signature
    """GET query/LOCATOR-OFFSET"""
    found = _LOCATOR.match(locator)
    if found is None:
        raise errors.locator_invalid()
    result = visit.org.locators.find(found["locator"], visit.user_id, visit.org.clock.now())
    offset = int(found["offset"])
    if offset >= len(result.records):
        raise errors.locator_invalid()
    page = _page(visit, result, offset, found["locator"], len(result.records))
    visit.txn.rows_read += len(page["records"])
    return Reply(200, page)
