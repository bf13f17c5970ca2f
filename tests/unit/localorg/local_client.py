"""A client of the org without a socket, the moment at which test orgs stand, and the custom fields that they have."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from connector.localorg.api.app import LocalOrgApp
from connector.localorg.api.wire import Reply, make_call
from connector.localorg.org import Org

NOW = datetime(2026, 9, 1, 8, 0, 0, tzinfo=UTC)
CUSTOM = [
    {"sobject": "Account", "name": "Stage__c", "type": "picklist", "restrictedPicklist": True, "trackHistory": True,
     "picklistValues": [{"value": "Onboarding", "label": "Onboarding"}, {"value": "Launched", "label": "Launched"}]},
    {"sobject": "Account", "name": "Ext__c", "type": "string", "length": 40, "externalId": True, "unique": True},
    {"sobject": "Account", "name": "Legacy__c", "type": "string", "length": 40, "externalId": True},
    {"sobject": "Account", "name": "Score__c", "type": "double", "precision": 5, "scale": 2},
    {"sobject": "Account", "name": "Tags__c", "type": "multipicklist",
     "picklistValues": [{"value": v, "label": v} for v in ("red", "green", "blue")]},
    {"sobject": "Activity", "name": "Key__c", "type": "string", "length": 255, "externalId": True, "unique": True},
]  # fmt: skip


@dataclass
class Client:
    """A client of the org without a socket: sends requests straight to the app."""

    org: Org
    app: LocalOrgApp
    token: str
    user_id: str
    version: str = "v66.0"
    sent: int = field(default=0)

    def send(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **query: str
    ) -> Reply:
        """Send one request below /services/data/vXX.0, or an absolute path."""
        target = path if path.startswith("/") else f"/services/data/{self.version}/{path}"
        target += f"?{urlencode(query)}" if query else ""
        self.sent += 1
        carried = {"authorization": f"Bearer {self.token}", **(headers or {})}
        return self.app.answer(
            make_call(method, target, carried, b"" if body is None else json.dumps(body).encode()),
            self.sent,
            "http://local",
        ).reply

    def query(self, soql: str, path: str = "query") -> Reply:
        """Send a query."""
        return self.send("GET", path, q=soql)
