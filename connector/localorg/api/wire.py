"""Requests and replies as values, JSON in and out. Used by every route; knows no records."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from connector.localorg.errors import OrgError, body_unreadable

JSON_TYPE = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, from a socket or from inside a composite.

    Header names are lower case; `path` is decoded, without trailing slash.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes = b""
    parsed: Any = None
    parts: tuple[str, ...] = ()
    target: str = ""

    def json(self) -> Any:
        """The body as JSON; refuses what cannot be read."""
        if self.parsed is not None or not self.raw:
            return self.parsed
        try:
            return json.loads(self.raw)
        except (ValueError, UnicodeDecodeError) as error:
            raise body_unreadable(f"Unexpected character in the request body: {error}") from None

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object."""
        body = self.json()
        if not isinstance(body, dict):
            raise body_unreadable(
                "The HTTP entity body is required, but this request has no entity body."
                if body is None
                else "Expected a JSON object"
            )
        return body

    @property
    def described_target(self) -> str:
        """Path and query decoded, as faults are matched against."""
        return self.path + ("?" + "&".join(f"{k}={v}" for k, v in self.query.items()) if self.query else "")

    def header(self, name: str) -> str:
        """A header's value, or nothing."""
        return self.headers.get(name, "")


def make_call(method: str, target: str, headers: Mapping[str, str], raw: bytes = b"", parsed: Any = None) -> Call:
    """Build a call from a request target such as /services/data/v66.0/query?q=..."""
    path, _, query = target.partition("?")
    encoded = [p for p in path.split("/") if p]
    parts = tuple(unquote(p) for p in encoded)
    pairs = dict(parse_qsl(query, keep_blank_values=True))
    override = pairs.pop("_HTTP_METHOD", None)
    used = override.upper() if override and method == "POST" else method
    return Call(used, "/" + "/".join(parts), pairs, headers, raw, parsed, parts, target)


@dataclass(slots=True)
class Reply:
    """One answer. A dict or list becomes JSON, bytes go out as they are, None is an empty body.

    A callable is asked for its bytes when the answer goes out, with the org free for others.
    """

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE

    def encode(self) -> bytes:
        """The body as bytes."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if callable(self.body):
            return bytes(self.body())
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


def refusal(error: OrgError) -> Reply:
    """A refused request as an answer."""
    return Reply(error.status, error.as_rest())
