"""What the routes of both kinds of job share: reading the body of a new job, listing jobs, sending CSV."""

import gzip
import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, get_args

from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from connector.localorg import errors
from connector.localorg.api.visit import Visit
from connector.localorg.api.wire import Call, Reply
from connector.localorg.bulk import answers, refusals
from connector.localorg.bulk.dialect import DELIMITERS, LINE_ENDINGS, Dialect
from connector.localorg.bulk.jobs import JobType

CSV_TYPE = "text/csv; charset=UTF-8"
MOST_LISTED = 1000
_GZIP_LEVEL = 1


def read_job_body(call: Call, known: frozenset[str]) -> dict[str, Any]:
    """The properties of a new job; refuses what such a job does not have."""
    body = call.json_object()
    unknown = next((n for n in body if n not in known), None)
    if unknown is not None:
        raise refusals.property_unknown(unknown)
    read_choice(body, "contentType", ("CSV",), "CSV")
    return body


def split_parts(call: Call) -> tuple[Call, bytes | None]:
    """A job and its rows in one multipart request (reference 3.2), or the job alone."""
    content_type, options = parse_options_header(call.header("content-type"))
    if content_type != "multipart/form-data":
        return call, None
    parser = FormDataParser(max_form_memory_size=None, silent=False)
    try:
        _, form, files = parser.parse(io.BytesIO(call.raw), content_type, len(call.raw), options)
    except ValueError as error:
        raise errors.body_unreadable(f"The multipart body can not be read: {error}") from None
    if "job" not in form or "content" not in files:
        raise errors.body_unreadable("A multipart job needs a part called job, and a file called content")
    return replace(call, raw=form["job"].encode()), files["content"].read()


def read_choice(body: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
    """A property with a closed set of values; without a default it must be there."""
    value = body.get(name)
    value = default if value is None else value
    if value not in allowed:
        raise refusals.value_not_allowed(name, value, allowed)
    return str(value)


def read_dialect(body: Mapping[str, Any]) -> Dialect:
    """Delimiter and line ending of a new job, COMMA and LF unless given."""
    delimiter = read_choice(body, "columnDelimiter", tuple(DELIMITERS), "COMMA")
    return Dialect(delimiter, read_choice(body, "lineEnding", tuple(LINE_ENDINGS), "LF"))


def require_version(visit: Visit, oldest: float) -> None:
    """404 below the version that brought the resource, and inside composites, which Bulk is no part of."""
    if float(visit.version) < oldest or visit.depth:
        raise errors.resource_missing()


def list_jobs(visit: Visit, call: Call, kind: JobType, path: str) -> Reply:
    """A page of jobs of one type, its own unless jobType asks for another."""
    visit.org.bulk.forget_old(visit.org.clock.now())
    wanted = read_choice(call.query, "jobType", (*get_args(JobType), "Classic", "BigObjectIngest"), kind)
    found = [answers.show_listed(j) for j in visit.org.bulk.kept.values() if j.job_type == wanted]
    start = read_number(call, "queryLocator", default=0)
    after = start + MOST_LISTED
    done = after >= len(found)
    url = None if done else f"{visit.base}/jobs/{path}?jobType={wanted}&queryLocator={after}"
    return Reply(200, {"done": done, "records": found[start:after], "nextRecordsUrl": url})


def read_number(call: Call, name: str, *, default: int) -> int:
    """A positive number of the query string."""
    value = call.query.get(name)
    if value is None:
        return default
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise refusals.page_not_readable(name, value)
    return int(value)


def send_csv(call: Call, read: Callable[[], bytes], headers: dict[str, str] | None = None) -> Reply:
    """CSV as an answer, read when it goes out, and compressed when the client takes it so."""
    if "gzip" not in call.header("accept-encoding").lower():
        return Reply(200, read, headers or {}, CSV_TYPE)
    packed = {**(headers or {}), "Content-Encoding": "gzip"}
    return Reply(200, lambda: gzip.compress(read(), _GZIP_LEVEL, mtime=0), packed, CSV_TYPE)
