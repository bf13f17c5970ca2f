"""Routes of query and queryAll: pages, locators, batch size (reference 2.1)."""

import re
from typing import Any

from connector.localorg import errors
from connector.localorg.api.columns import describe_columns
from connector.localorg.api.visit import Visit
from connector.localorg.api.wire import Call, Reply
from connector.localorg.soql.run import run_soql

LARGEST_PAGE = 2000
SMALLEST_PAGE = 200
_BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
_LOCATOR = re.compile(r"(?P<locator>[A-Za-z0-9]+)-(?P<offset>\d+)\Z")


def query(visit: Visit, call: Call) -> Reply:
    """GET query?q=..."""
    return _first_page(visit, call, include_deleted=False)


def query_all(visit: Visit, call: Call) -> Reply:
    """GET queryAll?q=... : with the recycle bin and archived activities"""
    return _first_page(visit, call, include_deleted=True)


def _first_page(visit: Visit, call: Call, *, include_deleted: bool) -> Reply:
    soql = call.query.get("q")
    if not soql:
        raise errors.OrgError(400, "MALFORMED_QUERY", "A query string has to be specified")
    if call.query.get("columns", "").lower() == "true":
        return Reply(200, describe_columns(visit, soql, include_deleted=include_deleted))
    result = run_soql(visit.txn, soql, include_deleted=include_deleted, version=visit.version)
    size = page_size(call)
    if len(result.records) <= size:
        return Reply(200, {"totalSize": result.total, "done": True, "records": result.records})
    locator = visit.org.locators.keep(result.records, size, visit.user_id, visit.org.clock.now())
    return Reply(200, _page(visit, locator, result.records, 0, size))


def page_size(call: Call) -> int:
    """The page size a client asks for, within what Salesforce grants."""
    asked = _BATCH_SIZE.search(call.header("sforce-query-options"))
    return min(max(int(asked[1]), SMALLEST_PAGE), LARGEST_PAGE) if asked else LARGEST_PAGE


def _page(visit: Visit, locator: str, records: list[dict[str, Any]], offset: int, size: int) -> dict[str, Any]:
    after = offset + size
    page: dict[str, Any] = {"totalSize": len(records), "done": after >= len(records)}
    if not page["done"]:
        page["nextRecordsUrl"] = f"{visit.base}/query/{locator}-{after}"
    return {**page, "records": records[offset:after]}


def query_more(visit: Visit, call: Call, locator: str) -> Reply:  # noqa: ARG001 - routes share one signature
    """GET query/LOCATOR-OFFSET"""
    found = _LOCATOR.match(locator)
    if found is None:
        raise errors.locator_invalid()
    result = visit.org.locators.find(found["locator"], visit.user_id, visit.org.clock.now())
    offset = int(found["offset"])
    if offset >= len(result.records):
        raise errors.locator_invalid()
    page = _page(visit, found["locator"], result.records, offset, result.page)
    visit.txn.rows_read += len(page["records"])
    return Reply(200, page)
