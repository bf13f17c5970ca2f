"""A place with files, a mirror with a few accounts, and sources as a mapping would want them: for tests of sources."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connector.data import ObjectPull
from connector.describe import FieldDescribe, ObjectDescribe
from connector.mapping.sources import Source
from connector.mapping.values import ColumnKind, KeyColumn
from connector.pull.sources import SourceRead, read_sources
from connector.settings import SourceSettings
from connector.store.mirror import Mirror

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
ACME, GLOBEX = "001000000000001AAA", "001000000000002AAA"
ACCOUNT = ObjectDescribe(
    "Account",
    fields={
        name: FieldDescribe(name, kind)
        for name, kind in {
            "Id": "id", "SystemModstamp": "datetime", "IsDeleted": "boolean", "AccountNumber": "string",
        }.items()
    },
)  # fmt: skip


def fill_accounts(mirror: Mirror) -> None:
    fields = ["Id", "SystemModstamp", "IsDeleted", "AccountNumber"]
    mirror.ensure(ACCOUNT, fields)
    rows = [[ACME, NOW, False, "A-1"], [GLOBEX, NOW, False, "A-2"]]
    mirror.store("Account", fields, rows, NOW, replace=True)


@dataclass
class Place:
    """A directory under the name `usage`."""

    mirror: Mirror
    directory: Path

    def put(self, name: str, content: str | bytes, written: datetime = NOW) -> Path:
        file = self.directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(file, (written.timestamp(), written.timestamp()))
        return file

    def read(self, name: str, *columns: str, **wishes: Any) -> SourceRead:
        return self.read_one(wanted(f"file:usage/{name}", *columns, path=name, **wishes))

    def read_one(self, source: Source, **places: SourceSettings) -> SourceRead:
        settings = {"usage": SourceSettings(directory=self.directory), **places}
        return read_sources(self.mirror, [source], settings, NOW, subject="Account")[source.name]

    def rows(self, name: str, *columns: str) -> list[tuple[Any, ...]]:
        picks = ", ".join(f'"{column}"' for column in columns)
        return self.mirror.connection.execute(f'SELECT {picks} FROM sources."{name}" ORDER BY _row').fetchall()

    def types(self, name: str) -> dict[str, str]:
        found = self.mirror.connection.execute(f'DESCRIBE SELECT * FROM sources."{name}"').fetchall()
        return {row[0]: row[1] for row in found if not row[0].startswith("_")}


def wanted(
    name: str, *columns: str, path: str = "", query: str = "", place: str = "usage", key: str = "account_id",
    field: str = "Id", declared: Mapping[str, ColumnKind] | None = None, sensitive: bool = False,
) -> Source:  # fmt: skip
    keys = frozenset({KeyColumn(key, field)})
    return Source(name, place, path, query, frozenset(columns), keys, dict(declared or {}), ("a_fact",), sensitive)


def why(read: SourceRead) -> str:
    """Why a source cannot be used, in whole or in part."""
    pull: ObjectPull = read.pull
    return " ".join([pull.reason, *pull.hidden.values()]).strip()
