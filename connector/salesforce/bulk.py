"""Query jobs of Bulk API 2.0: make one, wait for it, bring its pages to disk, take it away (reference 3.1).

Called by pull through OrgClient.bulk. A page is stored as it came, compressed; what is in it is pull's business, and
so is counting it: this module promises that a file is whole, not that it is right. A job is known by its id alone, so
that another process can go on with it, in the same API version.

NUL bytes inside values are left where they are: DuckDB 1.5 reads them as any other character (quoted or not, plain or
compressed), so that who loads the file removes them there with replace(value, chr(0), '').
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from connector.errors import ConnectorError, FixFirst, RetryLater
from connector.salesforce.errors import AllowanceUsed, BeginAgain, OrgRefused, Refusal, error_for
from connector.salesforce.result_file import store_body
from connector.salesforce.session import OrgSession, PassingFailure, refusal_in

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between two looks at a job; each pause is half as long again as the one before."""

_OVER = frozenset({"JobComplete", "Failed", "Aborted"})
_NOT_BULK = frozenset({
    "INVALIDENTITY", "FEATURENOTENABLED", "FUNCTIONALITY_NOT_ENABLED", "API_DISABLED", "API_ERROR",
})  # fmt: skip
"""Refusals of a new job that say nothing against asking by REST: the object, the query or the user is not for Bulk."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class QueryJob:
    """A query job as the org told it last."""

    id: str
    state: str
    """UploadComplete, InProgress, JobComplete, Failed or Aborted."""
    records: int = 0
    """How many it has found so far, all of them when it is complete."""
    message: str = ""
    """Why it failed."""

    @property
    def is_over(self) -> bool:
        return self.state in _OVER

    @property
    def is_good(self) -> bool:
        return self.state == "JobComplete"


@dataclass(frozen=True)
class ResultPage:
    """One page of a result on disk, with the header line that every page has."""

    records: int
    """As announced by the org, without the header line."""
    next_locator: str
    """Of the page after this one; empty after the last."""
    file: Path
    """Ends in .csv.gz when it came compressed, else in .csv."""


class NotByBulk(OrgRefused):
    """The org makes no such job, which says nothing against the same query by REST."""

    @property
    def for_today(self) -> bool:
        """Whether only the day's allowance of Bulk jobs or results is used up."""
        return self.refusal.kind == "quota"


class NotComplete(RetryLater):
    """Results were asked for before the job had any, or of one that failed."""


class BulkQueries:
    """The query jobs of one org. A lost answer to `create` leaves a job behind that nobody reads: it goes by itself
    after seven days."""

    def __init__(self, session: OrgSession, base_url: str) -> None:
        self._session, self._jobs = session, f"{base_url}jobs/query"

    def create(self, soql: str, *, all_rows: bool = True) -> QueryJob:
        """Start a query; `all_rows` includes deleted and archived records. NotByBulk when it is one for REST."""
        body = {"operation": "queryAll" if all_rows else "query", "query": soql,
                "columnDelimiter": "COMMA", "lineEnding": "CRLF"}  # fmt: skip
        try:
            response = self._ask("POST", "", "starting a Bulk query", json=body)
        except AllowanceUsed as error:
            if error.refusal.code != "LIMIT_EXCEEDED":
                raise
            raise _not_by_bulk(error.refusal) from None
        if (refusal := refusal_in(response)) and refusal.code in _NOT_BULK:
            raise _not_by_bulk(refusal)
        return _read_job(response, "starting a Bulk query")

    def read(self, job: str) -> QueryJob:
        """The job as it is now, in one call. BeginAgain when it is gone."""
        doing = f"looking at Bulk job {job}"
        return _read_job(self._ask("GET", f"/{job}", doing), doing)

    def wait(self, job: str, *, patience: float, progress: Progress) -> QueryJob:
        """The job when it is over, or as it is after `patience` seconds. Tells `progress` after each look."""
        began, slept, pause = time.monotonic(), 0.0, FIRST_PAUSE
        while True:
            found = self.read(job)
            progress(f"Bulk job {job}: {found.state}, {found.records} records")
            left = patience - max(slept, time.monotonic() - began)
            if found.is_over or left <= 0:
                return found
            self._session.sleep(min(pause, left))
            slept += min(pause, left)
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def page(self, job: str, locator: str, directory: Path, *, max_records: int) -> ResultPage:
        """Bring the page of `locator` ('' for the first) into `directory`; the same page again replaces its file.

        BeginAgain when job or locator are gone or of another API version, NotComplete before the job is.
        """
        name = f"{job}-{hashlib.sha256(locator.encode()).hexdigest()[:16] if locator else 'first'}"
        options: dict[str, Any] = {
            "params": {"maxRecords": str(max_records)} | ({"locator": locator} if locator else {}),
            "headers": {"Accept": "text/csv", "Accept-Encoding": "gzip"},
        }

        def read(response: requests.Response) -> ResultPage:
            _check_results(response, f"reading results of Bulk job {job}")
            return _store_page(response, directory / name)

        return self._session.read_stream(f"{self._jobs}/{job}/results", read, **options)

    def abort(self, job: str) -> None:
        """End the job; one that is over or gone is left as it is."""
        response = self._ask("PATCH", f"/{job}", f"aborting Bulk job {job}", json={"state": "Aborted"})
        refusal = refusal_in(response)
        if refusal and not self._is_over(job):
            raise error_for(refusal, f"aborting Bulk job {job}")

    def delete(self, job: str) -> None:
        """Remove the job and its results, aborted before when it is at work; one that is gone is as good."""
        doing = f"deleting Bulk job {job}"
        response = self._ask("DELETE", f"/{job}", doing)
        if response.status_code not in {404, 204}:  # it is at work, or has just come to its end
            if not self._is_over(job):
                self.abort(job)
            response = self._ask("DELETE", f"/{job}", doing)
        refusal = refusal_in(response)
        if refusal and refusal.status != 404:
            raise error_for(refusal, doing)

    def _is_over(self, job: str) -> bool:
        try:
            return self.read(job).is_over
        except BeginAgain:
            return True

    def _ask(self, method: str, path: str, doing: str, **options: Any) -> requests.Response:
        """An answer or a refusal; every request here may be sent twice."""
        try:
            return self._session.request(method, self._jobs + path, repeatable=True, **options)
        except AllowanceUsed as error:
            raise error_for(error.refusal, doing) from None


# --- answers ----------------------------------------------------------------------------------------------------


def _read_job(response: requests.Response, doing: str) -> QueryJob:
    _check(response, doing)
    try:
        body = response.json()
        return QueryJob(
            str(body["id"]), str(body["state"]), int(body.get("numberRecordsProcessed") or 0),
            str(body.get("errorMessage") or ""),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RetryLater(f"The org's answer is not a Bulk job while {doing}. Run again.") from None


def _check(response: requests.Response, doing: str) -> None:
    refusal = refusal_in(response)
    if refusal is None:
        return
    if refusal.status in {404, 409}:
        raise BeginAgain(f"What was half read is gone ({refusal}) while {doing}. It is read from its start.", refusal)
    raise error_for(refusal, doing)


def _check_results(response: requests.Response, doing: str) -> None:
    """As `_check`; newer versions refuse what older ones answer with nothing."""
    refusal = refusal_in(response)
    if response.status_code == 204 or (refusal and refusal.code == "INVALIDJOBSTATE"):
        raise NotComplete(f"The Bulk job has no results ({refusal or 'no content'}). Wait until it is complete.")
    _check(response, doing)


def _not_by_bulk(refusal: Refusal) -> ConnectorError:
    return NotByBulk(f"The org does not take this query as a Bulk job ({refusal}). It goes by REST.", refusal)


# --- pages ------------------------------------------------------------------------------------------------------


def _store_page(response: requests.Response, stem: Path) -> ResultPage:
    if "csv" not in response.headers.get("Content-Type", ""):
        raise PassingFailure(f"{response.headers.get('Content-Type')!r} instead of a page of results")
    records, locator = _header(response, "Sforce-NumberOfRecords"), _header(response, "Sforce-Locator")
    if not records.isdigit():
        raise PassingFailure(f"Sforce-NumberOfRecords is {records!r}, which is no number")
    file = store_body(response, stem)
    return ResultPage(int(records), "" if locator == "null" else locator, file)


def _header(response: requests.Response, name: str) -> str:
    value = response.headers.get(name, "")
    if not value:
        raise FixFirst(f"A page of Bulk results came without the header {name}; a proxy removes it. Let it through.")
    return value
