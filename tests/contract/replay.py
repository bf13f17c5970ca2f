"""Replays recorded requests against the local org and says where an answer looks different from the recorded one.

Compared are status, keys, types and the codes and texts of refusals; values are those of another org. Ids that the
recorded org gave out are exchanged for those that the local org gives out in their place.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from connector.localorg.api.app import LocalOrgApp
from connector.localorg.api.wire import Reply, make_call
from connector.localorg.org import Clock, Org

RECORDINGS = Path(__file__).parents[3] / "shared" / "fixtures"
INTERACTIONS = "cumulusci/interactions"
NOT_ASKED = {
    "Bulk API 1.0 comes with a later issue": r"/services/async/",
    "the Tooling API comes with a later issue": r"/tooling/",
    "Connect is no part of the surface": r"/connect/",
    "texts in the place of bodies, made up by hand": r"^uncompressed_cassette .*/sobjects",
    "describes cut down by hand; whole ones are compared in test_schema.py": r"^ManualEdit.*(DescribeOrg|to_sql)",
    "an outage put in by hand; here it is the fault `unavailable`": r"network_errors",
}
"""Interactions by file and address."""
_HOST = re.compile(r"^https://[^/]+")
_VERSION = re.compile(r"/vxx\.0/")
_REFUSAL = frozenset({"message", "errorCode", "statusCode", "fields"})


@dataclass
class Replayer:
    """One org that is asked what another one was asked."""

    org: Org
    token: str
    ids: dict[str, str] = field(default_factory=dict)
    sent: int = 0

    def ask(self, method: str, uri: str, body: Any = None) -> Reply:
        """Send one recorded request, as far as it can be told from the recording."""
        target = _VERSION.sub("/v66.0/", _HOST.sub("", uri))
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        for recorded, own in self.ids.items():
            target, text = target.replace(recorded, own), text.replace(recorded, own)
        self.sent += 1
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        call = make_call(method, target, headers, _VERSION.sub("/v66.0/", text).encode())
        return LocalOrgApp(self.org).answer(call, self.sent, "http://local").reply

    def post_form(self, path: str, form: dict[str, str]) -> Reply:
        """Send a form, as the token endpoint wants it."""
        self.sent += 1
        headers = {"content-type": "application/x-www-form-urlencoded"}
        call = make_call("POST", path, headers, urlencode(form).encode())
        return LocalOrgApp(self.org).answer(call, self.sent, "http://local").reply

    def compare(self, interaction: dict[str, Any]) -> list[str]:
        """Replay one interaction; the places where answers differ."""
        request, response = interaction["request"], interaction["response"]
        reply = self.ask(request["method"], request["uri"], request.get("body"))
        if reply.status != response["status"]:
            return [f"status {reply.status}, recorded {response['status']}: {str(reply.body)[:300]}"]
        self._learn(reply.body, response["body"])
        return differences(reply.body, response["body"])

    def _learn(self, ours: Any, theirs: Any) -> None:
        """Remember which id stands for which."""
        match ours, theirs:
            case list(), list():
                for own, recorded in zip(ours, theirs, strict=False):
                    self._learn(own, recorded)
            case dict(), dict():
                for key in ("id", "Id"):
                    own, recorded = ours.get(key), theirs.get(key)
                    if isinstance(own, str) and isinstance(recorded, str):
                        self.ids.setdefault(recorded, own)
                for key in ours.keys() & theirs.keys():
                    self._learn(ours[key], theirs[key])


def differences(ours: Any, theirs: Any, at: str = "") -> list[str]:
    """Keys and types that one answer has and the other has not; texts of refusals are compared as they are."""
    match ours, theirs:
        case None, _:
            return []
        case _, None:
            return []
        case dict(), dict():
            return _differing_objects(ours, theirs, at)
        case list(), list():
            return _differing_lists(ours, theirs, at)
    if _kind(ours) != _kind(theirs):
        return [f"{at}: {_kind(ours)}, recorded {_kind(theirs)}"]
    return []


def _differing_objects(ours: dict[str, Any], theirs: dict[str, Any], at: str) -> list[str]:
    found = [f"{at}.{key}: not recorded" for key in ours.keys() - theirs.keys()]
    found += [f"{at}.{key}: missing" for key in theirs.keys() - ours.keys()]
    if theirs.keys() <= _REFUSAL:
        pairs = ((ours.get(key), theirs[key]) for key in theirs)
        return [*found, *(f"{at}: {own!r}, recorded {real!r}" for own, real in pairs if own != real)]
    for key in ours.keys() & theirs.keys():
        found += differences(ours[key], theirs[key], f"{at}.{key}")
    return found


def _differing_lists(ours: list[Any], theirs: list[Any], at: str) -> list[str]:
    """Lists of answers are compared one by one, lists of records by their first."""
    if len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [found for n, (own, real) in pairs for found in differences(own, real, f"{at}[{n}]")]
    return differences(ours[0], theirs[0], f"{at}[0]") if ours and theirs else []


def _kind(value: Any) -> str:
    if isinstance(value, dict | list):
        return type(value).__name__
    return {bool: "truth", int: "number", float: "number", str: "text"}[type(value)]


def new_replayer(snapshot: bytes, clock: Clock) -> Replayer:
    """A replayer on a copy of an org."""
    org = Org.restore(snapshot, clock=clock)
    return Replayer(org, org.issue_token())


def read_json(path: Path) -> Any:
    """A recording, whose text may be JSON within JSON."""
    return json.loads(path.read_text(encoding="utf-8"))


def interactions() -> list[str]:
    folder = RECORDINGS / INTERACTIONS
    return sorted(p.stem for p in folder.glob("*.json")) if folder.exists() else []


def reason_of(name: str, interaction: dict[str, Any]) -> str | None:
    """Why an interaction is not asked, if it is not."""
    place = f"{name} {interaction['request']['uri']}"
    return next((why for why, pattern in NOT_ASKED.items() if re.search(pattern, place)), None)
