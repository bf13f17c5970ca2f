"""Calls to one org, in the words of the other parts: queries, composites, describes, rows to create and to update.

Called by pull (reads), apply (writes), orgsetup and the command line. Everything goes through simple-salesforce over
our own session. Decides nothing about records; a row that is refused is a RowResult, never an exception.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from connector.errors import FixFirst, RetryLater
from connector.ids import full_id
from connector.salesforce.budget import Budget, SpendingBook
from connector.salesforce.bulk import BulkQueries
from connector.salesforce.collections import (
    MAX_RETRIEVED,
    WRITE_HEADERS,
    Create,
    RowResult,
    Update,
    all_refused,
    create_body,
    read_results,
    update_body,
)
from connector.salesforce.composite import Subrequest, SubResponse, composite_body, packed, read_composite
from connector.salesforce.errors import LostReply, Refusal, error_for, read_refusal
from connector.salesforce.session import OrgSession, Sleep
from connector.salesforce.usage import ApiUsage, only_sobject, spent_on
from connector.settings import ApiSettings, HttpSettings, OrgSettings


def connect(
    org: OrgSettings,
    http: HttpSettings | None = None,
    api: ApiSettings | None = None,
    *,
    sleep: Sleep = time.sleep,
    folder: Path | None = None,
    book: SpendingBook | None = None,
) -> OrgClient:
    """Log in and hand out a client whose `org_now` is set. FixFirst when the org is not configured or refuses us.

    `folder` keeps rotated refresh tokens (the store's), `book` what all jobs spend on this org together.
    """
    if not org.instance_url:
        raise FixFirst(
            "No org is configured. Copy config.example.toml to config.toml and fill in [org], or set "
            "CONNECTOR_ORG__INSTANCE_URL, CONNECTOR_ORG__CLIENT_ID and CONNECTOR_ORG__CLIENT_SECRET."
        )
    session = OrgSession(org, http or HttpSettings(), api or ApiSettings(), sleep, folder=folder, book=book)
    token = session.tokens.current()
    if org.auth == "access_token":
        session.set_clock()
    return OrgClient(session, _rest(session, org, token), f"/services/data/v{org.api_version}/")


def _rest(session: OrgSession, org: OrgSettings, token: str) -> Salesforce:
    """simple-salesforce over our session, which puts the current token on every request whatever this one holds."""
    rest = Salesforce(
        session_id=token, instance_url=org.instance_url, version=org.api_version, session=session,
        parse_float=Decimal, object_pairs_hook=None,
    )  # fmt: skip
    rest.base_url = f"{org.instance_url}/services/data/v{org.api_version}/"  # it would say https for the local org
    del rest.headers["X-PrettyPrint"]
    return rest


class OrgClient:
    """One org over one session; safe to share between threads that read."""

    def __init__(self, session: OrgSession, rest: Salesforce, base_path: str) -> None:
        self._session, self._rest, self._base_path = session, rest, base_path
        self.bulk = BulkQueries(session, rest.base_url)

    @property
    def org_now(self) -> datetime:
        """The org's clock at its last answer."""
        return self._session.org_now

    @property
    def api_version(self) -> str:
        return str(self._rest.sf_version)

    @property
    def user_id(self) -> str:
        """Whom the org takes us for: the id of our User, as the last login told it; '' for a token given by hand."""
        return _last_part(self._session.tokens.identity)

    def ask_user_id(self) -> str:
        """The same, whatever it takes: a call where no login has told."""
        return self.user_id or _last_part(self._call("", "GET", "asking who we are").get("identity", ""))

    @property
    def usage(self) -> ApiUsage:
        return self._session.budget.usage

    @property
    def budget(self) -> Budget:
        """What may still be spent, to be asked before anything large."""
        return self._session.budget

    # --- reading ------------------------------------------------------------------------------------------

    def composite(self, requests: Sequence[Subrequest]) -> list[SubResponse]:
        """One composite call, answers in the order of `requests`.

        Requests in it that fail in a passing way are sent again (each round is a call) before their failure is handed
        out.
        """
        answers: dict[str, SubResponse] = {}
        try:
            for attempt in self._session.retrying(_SomeFailed):
                with attempt:
                    self._read_missing(requests, answers)
        except RetryLater:
            if len(answers) < len(requests):
                raise
        return [answers[r.reference] for r in requests]

    def _read_missing(self, requests: Sequence[Subrequest], answers: dict[str, SubResponse]) -> None:
        open_requests = [r for r in requests if r.reference not in answers or _is_passing(answers[r.reference])]
        body = composite_body(open_requests, self._base_path)
        with spent_on(only_sobject(r.url for r in open_requests)):
            said = self._call("composite", "POST", "asking several things", True, json=body)
        answers |= {a.reference: a for a in read_composite(said)}
        if failed := [str(a.refusal) for a in answers.values() if _is_passing(a)]:
            raise _SomeFailed("; ".join(failed))

    def composites(self, requests: Sequence[Subrequest]) -> list[SubResponse]:
        """`requests` in as few composite calls as they fit in, answers in the order of `requests`."""
        answers = {a.reference: a for call in packed(requests) for a in self.composite(call)}
        return [answers[r.reference] for r in requests]

    def query(self, soql: str, *, all_rows: bool = False) -> list[dict[str, Any]]:
        """All records of a query, pages followed; `all_rows` includes deleted and archived ones."""
        page = self._call("queryAll" if all_rows else "query", "GET", "running a query", params={"q": soql})
        records: list[dict[str, Any]] = list(page["records"])
        while not page["done"]:
            page = self.get_page(page["nextRecordsUrl"])
            records += page["records"]
        return records

    def get_page(self, next_records_url: str) -> dict[str, Any]:
        """The page that an earlier one names in `nextRecordsUrl`."""
        path = re.sub(r"^/services/data/v\d+\.\d/", "", urlsplit(next_records_url).path)
        page: dict[str, Any] = self._call(path, "GET", "reading the next page of a query")
        return page

    def describe(self, sobject: str) -> dict[str, Any]:
        """The describe of one sObject as the org sends it."""
        body: dict[str, Any] = self._call(f"sobjects/{sobject}/describe", "GET", f"describing {sobject}")
        return body

    def record_counts(self, sobjects: Sequence[str]) -> dict[str, int]:
        """About how many live records there are, by the org's own bookkeeping: good for choosing, never for proving.

        Objects that it holds no records of, or does not count, are missing from the answer.
        """
        params = {"sObjects": ",".join(sobjects)}
        body = self._call("limits/recordCount", "GET", "asking how many records there are", params=params)
        return {row["name"]: int(row["count"]) for row in body["sObjects"]} if body else {}

    def retrieve(self, sobject: str, ids: Sequence[str], fields: Sequence[str]) -> list[dict[str, Any] | None]:
        """Records in the order of `ids`, None for those that are gone or hidden; one call per 2,000."""
        records: list[dict[str, Any] | None] = []
        for start in range(0, len(ids), MAX_RETRIEVED):
            body = {"ids": list(ids[start : start + MAX_RETRIEVED]), "fields": list(fields)}
            doing = f"re-reading {sobject} records"
            records += self._call(f"composite/sobjects/{sobject}", "POST", doing, True, json=body)
        return records

    # --- about the org ------------------------------------------------------------------------------------

    def versions(self) -> tuple[str, ...]:
        """The API versions that the org has, oldest first; needs no login and costs no call."""
        answer = self._session.request("GET", self._rest.base_url.rsplit("v", 1)[0])
        return tuple(str(row["version"]) for row in answer.json())

    def limits(self) -> dict[str, Any]:
        """What the org allows in a day and what is left of it; refused without the right to view the setup."""
        limits: dict[str, Any] = self._call("limits", "GET", "asking for the org's limits")
        return limits

    def tooling_query(self, soql: str) -> list[dict[str, Any]]:
        """Records of the Tooling API: the org's own rules, in one page."""
        page = self._call("tooling/query", "GET", "asking for the org's rules", params={"q": soql})
        return list(page["records"])

    # --- writing ------------------------------------------------------------------------------------------

    def create(self, rows: Sequence[Create]) -> list[RowResult]:
        """Insert up to 200 records in one call; see `update` for errors."""
        return self._write("POST", create_body(rows), [row[0] for row in rows])

    def update(self, rows: Sequence[Update]) -> list[RowResult]:
        """Update up to 200 records in one call, results in the order of `rows`.

        Raises LostReply when nobody knows whether it was carried out (it is never sent twice then), RetryLater when
        it certainly was not, QuotaExhausted at the daily limit.
        """
        return self._write("PATCH", update_body(rows), [row[0] for row in rows])

    def delete(self, ids: Sequence[str]) -> list[RowResult]:
        """Delete up to 200 records in one call; errors as `update`, but it may be sent twice."""
        params = {"ids": ",".join(ids), "allOrNone": "false"}
        return read_results(self._call("composite/sobjects", "DELETE", "deleting records", True, params=params))

    def _write(self, method: str, body: dict[str, Any], sobjects: Sequence[str]) -> list[RowResult]:
        try:
            with spent_on(sobjects[0] if len(set(sobjects)) == 1 else ""):
                answer = self._call("composite/sobjects", method, "writing records", json=body, headers=WRITE_HEADERS)
        except _Refused as error:
            if error.refusal.kind in {"quota", "auth", "retry"}:
                raise error_for(error.refusal, "writing records") from None
            return all_refused(error.refusal, len(sobjects))
        return read_results(answer)

    # --- the wire -----------------------------------------------------------------------------------------

    def _call(self, path: str, method: str, doing: str, repeatable: bool | None = None, **options: Any) -> Any:
        """The parsed answer of one call; raises by error class with `doing` in the message."""
        options |= {} if repeatable is None else {"repeatable": repeatable}
        reads = method == "GET" or bool(repeatable)
        try:
            return self._rest.restful(path, method=method, **options) or []
        except SalesforceError as error:
            refusal = read_refusal(error.status, error.content)
            raise (error_for(refusal, doing) if reads else _Refused(refusal)) from None
        except ValueError as error:
            if reads:
                raise RetryLater(f"The org's answer is not JSON ({error}) while {doing}. Run again.") from None
            raise LostReply(f"The org's answer to a write is not JSON ({error}). The next pull settles it.") from None


def _last_part(identity: str) -> str:
    """The user's id in an address like https://login.salesforce.com/id/<org>/<user>."""
    found = identity.rstrip("/").rpartition("/")[2]
    return full_id(found) if found else ""


class _Refused(Exception):
    """A write that was refused as a whole."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


class _SomeFailed(RetryLater):
    """Some requests of a composite call failed in a passing way."""


def _is_passing(answer: SubResponse) -> bool:
    return answer.refusal is not None and answer.refusal.kind == "retry"
