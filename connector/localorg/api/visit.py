"""One API request being served.

The transaction, the user, and what the ledger will say about it. Passed to every route.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connector.localorg import errors
from connector.localorg.api.wire import Call, Reply
from connector.localorg.definitions import ObjectDef
from connector.localorg.faults import ROW_KINDS, Fault, chunk_refusal, fault_reply, row_refusal
from connector.localorg.ledger import Subrequest
from connector.localorg.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.localorg.org import Org


@dataclass(slots=True)
class Visit:
    """The state of one request. `dispatch` lets composite routes run subrequests through the same router."""

    org: "Org"
    txn: Transaction
    version: str
    user_id: str
    dispatch: "Callable[[Visit, Call], Reply]"
    row_faults: list[Fault] = field(default_factory=list)
    subrequests: list[Subrequest] = field(default_factory=list)
    api_calls: int = 1
    is_write: bool = False
    depth: int = 0
    inner_fault: str | None = None

    @property
    def base(self) -> str:
        """The URL below which everything of this API version lives."""
        return f"/services/data/v{self.version}"

    def find_object(self, name: str) -> ObjectDef:
        """Return an object as this user sees it, or 404."""
        found = self.org.schema.find(name)
        if found is None or not self.txn.access.sees_object(found):
            raise errors.resource_missing()
        return found

    @contextmanager
    def inside(self, call: Call) -> Iterator[None]:
        """Serve a request inside this one: it may suffer from faults of its own."""
        text = "" if call.parsed is None else json.dumps(call.parsed, ensure_ascii=False)
        struck = self.org.faults.strike(call.method, call.described_target, text, inner=True)
        self.inner_fault = self.inner_fault or (struck[0].kind if struck else None)
        outer = self.row_faults
        self.depth += 1
        self.row_faults = [*outer, *(f for f in struck if f.kind in ROW_KINDS)]
        try:
            for fault in struck:
                if fault.kind not in ROW_KINDS and isinstance(refusal := fault_reply(fault), errors.OrgError):
                    raise refusal
            yield
        finally:
            self.depth -= 1
            self.row_faults = outer

    def strike_row(self, body: Mapping[str, Any] | str) -> None:
        """Let armed row faults refuse a row."""
        if self.row_faults:
            text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
            for fault in self.row_faults:
                refused = row_refusal(fault, text) or chunk_refusal(fault, [text])
                if refused is not None:
                    raise refused

    def struck_chunk(self, rows: list[Any]) -> errors.OrgError | None:
        """Return the Apex limit error that takes a whole chunk with it, if one is armed for any of its rows."""
        texts = [json.dumps(row, ensure_ascii=False) for row in rows] if self.row_faults else []
        return next((e for f in self.row_faults if (e := chunk_refusal(f, texts)) is not None), None)
