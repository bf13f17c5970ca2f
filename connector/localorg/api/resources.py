"""Routes about the org itself: versions, root resources, limits, record counts (reference 1.1, 5)."""

from typing import Any

from connector.localorg import errors
from connector.localorg.api.visit import Visit
from connector.localorg.api.wire import Call, Reply
from connector.localorg.bulk.usage import ALLOCATIONS
from connector.localorg.permissions import user_permissions

OLDEST_VERSION, NEWEST_VERSION = 31, 66
_SEASONS = ("Spring", "Summer", "Winter")
_ROOT = ("composite", "jobs", "limits", "query", "queryAll", "sobjects", "tooling")


def version_label(version: int) -> str:
    """The release name of an API version: 66 is Spring '26, three releases a year."""
    year, season = divmod(version - 60, 3)
    return f"{_SEASONS[season]} '{(24 + year + (season == 2)) % 100:02d}"


def list_versions() -> list[dict[str, str]]:
    """GET /services/data: what this org supports; no authentication needed"""
    versions = range(OLDEST_VERSION, NEWEST_VERSION + 1)
    return [{"label": version_label(v), "url": f"/services/data/v{v}.0", "version": f"{v}.0"} for v in versions]


def list_resources(visit: Visit, call: Call) -> Reply:
    """GET /services/data/vXX.0"""
    identity = f"http://{call.header('host')}/id/{visit.org.state.org_id}/{visit.user_id}"
    return Reply(200, {"identity": identity, **{name: f"{visit.base}/{name}" for name in _ROOT}})


def show_limits(visit: Visit, call: Call) -> Reply:  # noqa: ARG001 - routes share one signature
    """GET limits: for those who may view the set-up (reference 5; how the others are refused is UNVERIFIED)"""
    if not user_permissions(visit.txn.store, visit.user_id)["ViewSetup"]:
        raise errors.OrgError(403, "INSUFFICIENT_ACCESS", "insufficient access rights on this resource")
    state, now, bulk = visit.org.state, visit.org.clock.now(), visit.org.bulk.usage
    used = visit.org.ledger.api_usage(now) + visit.api_calls
    body: dict[str, Any] = {
        "ConcurrentAsyncGetReportInstances": _limit(200, 0),
        "ConcurrentSyncReportRuns": _limit(20, 0),
        "DailyApiRequests": _limit(state.api_limit, used),
        "DailyAsyncApexExecutions": _limit(250_000, 0),
        "DailyBulkApiBatches": _limit(ALLOCATIONS["batches"], bulk.spent("batches", now)),
        "DailyBulkV2QueryFileStorageMB": _limit(976_562, bulk.spent("result bytes", now) // 2**20),
        "DailyBulkV2QueryJobs": _limit(ALLOCATIONS["query jobs"], bulk.spent("query jobs", now)),
        "DailyWorkflowEmails": _limit(1000, 0),
        "DataStorageMB": _limit(1024, 1),
        "FileStorageMB": _limit(1024, 0),
    }
    return Reply(200, body)


def _limit(most: int, used: int) -> dict[str, int]:
    return {"Max": most, "Remaining": max(0, most - used)}


def count_records(visit: Visit, call: Call) -> Reply:
    """GET limits/recordCount?sObjects=Account,Contact : objects without records are left out (recorded)"""
    names = [n.strip() for n in call.query.get("sObjects", "").split(",") if n.strip()]
    schema = visit.org.schema
    wanted = (
        [d for n in names if (d := schema.find(n))] if names else sorted(schema.objects.values(), key=lambda d: d.name)
    )
    counted = []
    for definition in wanted:
        live = ' WHERE "IsDeleted" = 0' if definition.has("IsDeleted") else ""
        count = int(visit.txn.store.scalar(f'SELECT COUNT(*) FROM "{definition.name}"{live}'))
        if count and visit.txn.access.sees_object(definition):
            counted.append({"count": count, "name": definition.name})
    return Reply(200, {"sObjects": counted})
