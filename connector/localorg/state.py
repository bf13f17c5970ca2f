"""What an org remembers beside its records.

Who it is, what was customised, who may come in. Kept as one JSON value in the store.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from connector.localorg.access import AccessRules
from connector.localorg.schema import Definition
from connector.localorg.setup_state import Setup
from connector.localorg.switches import Switches


@dataclass(frozen=True, slots=True)
class Client:
    """An application that may ask for tokens: by secret, or by JWT signed with the key of its certificate."""

    key: str
    secret: str | None
    user_id: str
    public_key_pem: str | None = None
    rotates_refresh_token: bool = False


@dataclass(slots=True)
class Session:
    """A token that the org has issued; `used` is the time of its last use."""

    user_id: str
    client_key: str
    used: float


@dataclass(frozen=True, slots=True)
class Grant:
    """A refresh token that the org has issued: on whose behalf and to which application."""

    user_id: str
    client_key: str


@dataclass(frozen=True, slots=True)
class LateWrite:
    """A change that a long transaction has made but not committed: stamped then, visible later (reference 2.3)."""

    stamped_at: str
    visible_at: str
    sobject: str
    record_id: str | None
    values: dict[str, Any]
    user_id: str | None


@dataclass(slots=True)
class OrgState:
    """The memory of one org. Everything here travels with a snapshot."""

    seed: int
    org_id: str = ""
    admin_id: str = ""
    features: list[str] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    tracked: list[str] = field(default_factory=list)
    rules: AccessRules = field(default_factory=AccessRules)
    clients: dict[str, Client] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    late: list[LateWrite] = field(default_factory=list)
    jobs_ran_on: str = ""
    switches: Switches = field(default_factory=Switches)
    setup: Setup = field(default_factory=Setup)
    api_limit: int = 100_000
    tokens_issued: int = 0
    schema_changed_at: str = ""

    def to_json(self) -> str:
        """Return the state as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "OrgState":
        """Read the text back."""
        raw = json.loads(text)
        raw["rules"] = AccessRules(**raw["rules"])
        raw["clients"] = {k: Client(**v) for k, v in raw["clients"].items()}
        raw["sessions"] = {k: Session(**v) for k, v in raw["sessions"].items()}
        raw["grants"] = {k: Grant(**v) for k, v in raw.get("grants", {}).items()}
        raw["late"] = [LateWrite(**v) for v in raw.get("late", ())]
        raw["setup"] = Setup.from_json(raw.get("setup", {}))
        raw["switches"] = Switches(**raw["switches"])
        return cls(**raw)
