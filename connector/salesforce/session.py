"""The HTTP session of one org: token, timeouts, retries and the org's clock, all of it below simple-salesforce.

Called by client.py (which hands it to simple-salesforce too). An expired token is renewed once per request in the
adapter; passing failures are retried here by the table of errors.py. A write is only repeated when the failure proves
that nothing was written; otherwise LostReply.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import requests
from requests.adapters import HTTPAdapter
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)
from urllib3.exceptions import HTTPError, MaxRetryError, NameResolutionError, NewConnectionError

from connector.errors import FixFirst, RetryLater
from connector.salesforce.auth import TokenSource
from connector.salesforce.budget import Budget, SpendingBook
from connector.salesforce.errors import LostReply, Refusal, error_for, read_refusal
from connector.settings import ApiSettings, HttpSettings, OrgSettings

Sleep = Callable[[float], None]
T = TypeVar("T")

_backoff = wait_exponential(multiplier=0.5, max=30) + wait_random(0, 0.25)

_NEVER_BY_LOGIN = ("not valid for use with the REST API", "not attached to Agent")
"""401s that a new token does not cure; logging in again would go on for ever."""


class OrgSession(requests.Session):
    """A requests.Session whose requests to the org carry a good token and survive passing failures."""

    def __init__(
        self, org: OrgSettings, http: HttpSettings, api: ApiSettings, sleep: Sleep = time.sleep,
        *, folder: Path | None = None, book: SpendingBook | None = None,
    ) -> None:  # fmt: skip
        """`folder` keeps rotated refresh tokens, `book` what all jobs spend together."""
        super().__init__()
        self._http, self._sleep = http, sleep
        self._date: datetime | None = None
        self.budget = Budget(api, lambda: self._date or datetime.now(UTC), book)
        self.tokens = TokenSource(org, self._post_form, folder=folder)
        for scheme in ("https://", "http://"):
            self.mount(scheme, _PlainAdapter(http, self._read_date))
        versions = org.instance_url + "/services/data/"
        self.mount(versions + "v", _OrgAdapter(http, self._read_date, self.tokens, self.budget))
        self._versions = versions

    def set_clock(self) -> None:
        """Ask for the time where no login brings it; the list of versions needs no token and costs no call."""
        self.request("GET", self._versions)

    @property
    def org_now(self) -> datetime:
        """The org's clock, from the Date header of the last answer."""
        if self._date is None:
            raise FixFirst("The org's answers carry no Date header; a proxy removes it. Let it through.")
        return self._date

    def request(  # type: ignore[override]
        self, method: str, url: str, *args: Any, repeatable: bool | None = None, **options: Any
    ) -> requests.Response:
        """As requests.Session.request; retried while the failure is a passing one.

        `repeatable`: sending it twice does no harm (by default GET and HEAD). Raises RetryLater when the attempts are
        used up, LostReply when a write's fate is unknown, QuotaExhausted at the daily limit. Refusals that concern
        the request itself are returned.
        """
        safe = method.upper() in {"GET", "HEAD"} if repeatable is None else repeatable
        for attempt in self.retrying(PassingFailure):
            with attempt:
                return self._once(method, url, *args, safe=safe, **options)
        raise AssertionError("tenacity ends by returning or raising")

    def read_stream(self, url: str, read: Callable[[requests.Response], T], **options: Any) -> T:
        """What `read` makes of the answer to a GET, whose body it takes from the wire itself.

        Errors as `request`; a body that breaks off is asked for again from its start. `read` raises PassingFailure for
        what it finds to be no good.
        """
        for attempt in self.retrying(PassingFailure):
            with (
                attempt,
                self._once("GET", url, safe=True, stream=True, **options) as response,
                passing_when_broken(),
            ):
                return read(response)
        raise AssertionError("tenacity ends by returning or raising")

    @property
    def sleep(self) -> Sleep:
        return self._sleep

    def retrying(self, kind: type[BaseException]) -> Retrying:
        """The one retry policy, for failures of `kind`."""
        return Retrying(
            retry=retry_if_exception_type(kind),
            stop=stop_after_attempt(self._http.attempts),
            wait=_pause,
            sleep=self._sleep,
            retry_error_callback=_give_up,
        )

    def _once(self, method: str, url: str, *args: Any, safe: bool, **options: Any) -> requests.Response:
        try:
            response = super().request(method, url, *args, **options)
            refusal = refusal_in(response)
        except requests.RequestException as error:
            _sort_failure(error, safe=safe)
        if refusal and refusal.kind == "quota":
            raise error_for(refusal, f"calling {response.request.path_url.split('?')[0]}")
        if refusal and refusal.kind in {"retry", "shrink"} and not (safe or refusal.wrote_nothing):
            raise LostReply(f"The org answered a write with {refusal}: it may have been carried out. {_SETTLES}")
        if refusal and refusal.kind == "retry":
            response.close()
            raise PassingFailure(str(refusal), _retry_after(response))
        return response

    def _post_form(self, url: str, form: dict[str, str]) -> requests.Response:
        return self.request("POST", url, data=form, repeatable=True, allow_redirects=False)

    def _read_date(self, response: requests.Response) -> None:
        if header := response.headers.get("Date"):
            self._date = parsedate_to_datetime(header).astimezone(UTC)


class _PlainAdapter(HTTPAdapter):
    """Default timeouts, the proxy and the CA bundle, which requests would let environment variables override."""

    def __init__(self, http: HttpSettings, seen: Callable[[requests.Response], None]) -> None:
        super().__init__()
        self._http, self._seen, self._proxy = http, seen, http.proxy.get_secret_value()

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        options["timeout"] = options.get("timeout") or (self._http.connect_timeout, self._http.read_timeout)
        if self._http.ca_bundle:
            options["verify"] = str(self._http.ca_bundle)
        if self._proxy:
            options["proxies"] = {"http": self._proxy, "https": self._proxy}
        response = super().send(request, *args, **options)
        self._seen(response)
        return response


class _OrgAdapter(_PlainAdapter):
    """Puts the token on every request to the org and renews it once when the org refuses it."""

    def __init__(
        self, http: HttpSettings, seen: Callable[[requests.Response], None], tokens: TokenSource, budget: Budget
    ) -> None:  # fmt: skip
        super().__init__(http, seen)
        self._tokens, self._budget = tokens, budget

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        token = self._tokens.current()
        response = self._send_with(token, request, *args, **options)
        if response.status_code == 401 and not any(text in response.text for text in _NEVER_BY_LOGIN):
            response.close()
            response = self._send_with(self._tokens.renew(token), request, *args, **options)
        return response

    def _send_with(
        self, token: str, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> requests.Response:
        self._budget.spend(request.method or "GET", request.url or "")
        request.headers["Authorization"] = f"Bearer {token}"
        response = super().send(request, *args, **options)
        self._budget.hear(response.headers.get("Sforce-Limit-Info"))
        return response


# --- what a failure means -------------------------------------------------------------------------------------

_SETTLES = "The next pull settles what became of it."


class PassingFailure(RetryLater):
    """The same request may succeed when it is sent again, after `wait` seconds if somebody asked for that."""

    def __init__(self, what: str, wait: float = 0) -> None:
        super().__init__(what)
        self.wait = wait


def refusal_in(response: requests.Response) -> Refusal | None:
    """The refusal in an HTTP answer, None when it is what was asked for. A page of HTML is never that."""
    if "html" in response.headers.get("Content-Type", "") and response.status_code < 300:
        return Refusal("HTML", f"a web page instead of data (HTTP {response.status_code})", 503)
    if response.status_code < 400:
        return None
    try:
        body = response.json()
    except ValueError:
        body = None
    return read_refusal(response.status_code, body)


@contextmanager
def passing_when_broken() -> Iterator[None]:
    """Turns what reading a body from the wire raises when it is cut off or stalls into PassingFailure."""
    try:
        yield
    except (HTTPError, requests.RequestException) as error:
        raise PassingFailure(f"{type(error).__name__}: {_without_login(str(error))}") from error


def _sort_failure(error: requests.RequestException, *, safe: bool) -> NoReturn:
    passing = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError,
               requests.exceptions.ContentDecodingError)  # fmt: skip
    if isinstance(error, requests.exceptions.SSLError):
        raise FixFirst(
            f"The connection is not trusted ({error}). Behind a proxy that inspects TLS, name its certificate in "
            "[http] ca_bundle."
        ) from error
    if not isinstance(error, passing):
        said = _without_login(str(error))
        raise FixFirst(f"The request cannot be made: {said}. Check the addresses in config.toml.") from None
    if safe or _never_sent(error):
        raise PassingFailure(_in_words(error)) from error
    raise LostReply(f"No answer came to a write ({_in_words(error)}). {_SETTLES}") from error


def _never_sent(error: requests.RequestException) -> bool:
    """Whether no connection was ever made, so that the org cannot have seen the request."""
    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.ProxyError)):
        return True
    inner = error.args[0] if error.args else None
    return isinstance(inner, MaxRetryError) and isinstance(inner.reason, (NewConnectionError, NameResolutionError))


def _in_words(error: requests.RequestException) -> str:
    return f"{type(error).__name__}: {_without_login(str(error))}"


def _without_login(text: str) -> str:
    """`text` without the name and password that the address of a proxy may hold."""
    return re.sub(r"//[^/@]*@", "//", text)


def _retry_after(response: requests.Response) -> float:
    header = response.headers.get("Retry-After", "")
    return min(float(header), 60) if header.isdigit() else 0


def _pause(state: RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome else None
    return max(_backoff(state), failure.wait if isinstance(failure, PassingFailure) else 0)


def _give_up(state: RetryCallState) -> NoReturn:
    failure = state.outcome.exception() if state.outcome else None
    raise RetryLater(
        f"The org could not be reached in {state.attempt_number} attempts ({failure}). "
        "Nothing is lost: the next run goes on from here."
    ) from failure
