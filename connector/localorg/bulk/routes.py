"""The table of Bulk 2.0 routes below /services/data/vXX.0, in the form of api/router.py, which mounts it."""

from collections.abc import Callable

from connector.localorg.api.wire import Reply
from connector.localorg.bulk import ingest_routes as ingest
from connector.localorg.bulk import query_routes as query

BULK_ROUTES: tuple[tuple[tuple[str, ...], dict[str, Callable[..., Reply]]], ...] = (
    (("jobs", "query"), {"GET": query.list_query_jobs, "POST": query.create_query_job}),
    (
        ("jobs", "query", "{job}"),
        {"GET": query.poll_query_job, "PATCH": query.change_query_job, "DELETE": query.delete_query_job},
    ),
    (("jobs", "query", "{job}", "results"), {"GET": query.read_query_results}),
    (("jobs", "query", "{job}", "resultPages"), {"GET": query.list_result_pages}),
    (("jobs", "ingest"), {"GET": ingest.list_ingest_jobs, "POST": ingest.create_ingest_job}),
    (
        ("jobs", "ingest", "{job}"),
        {"GET": ingest.poll_ingest_job, "PATCH": ingest.change_ingest_job, "DELETE": ingest.delete_ingest_job},
    ),
    (("jobs", "ingest", "{job}", "batches"), {"PUT": ingest.upload_rows}),
    (("jobs", "ingest", "{job}", "{file}"), {"GET": ingest.read_result_file}),
)
