"""Answers of queries as rows for the mirror: pages followed, records counted against what the org announced."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.describe import ObjectDescribe
from connector.errors import RetryLater
from connector.salesforce import OrgClient


class Miscounted(RetryLater):
    """The org announced another number of records than it sent."""


class Rows:
    """The rows of one query, read once, page by page; `read` and `deleted` count them on the way.

    Raises Miscounted at the end if the number is not what the first page announced, and whatever reading a page raises.
    """

    def __init__(self, client: OrgClient, first: Mapping[str, Any], describe: ObjectDescribe, fields: Sequence[str]):
        self._client, self._first, self._fields = client, first, fields
        self._whole_numbers = [i for i, f in enumerate(fields) if describe.fields[f].type in {"int", "long"}]
        self.sobject = describe.name
        self.read = self.deleted = 0

    def __iter__(self) -> Iterator[list[Any]]:
        page = self._first
        while True:
            for record in page["records"]:
                self.read += 1
                self.deleted += bool(record.get("IsDeleted"))
                yield self._row(record)
            if page["done"]:
                break
            page = self._client.get_page(page["nextRecordsUrl"])
        if self.read != self._first["totalSize"]:
            raise Miscounted(
                f"the org announced {self._first['totalSize']} {self.sobject} records and sent {self.read}"
            )

    def _row(self, record: Mapping[str, Any]) -> list[Any]:
        try:
            row = [record[f] for f in self._fields]
        except KeyError as missing:
            raise Miscounted(f"a {self.sobject} record came without the field {missing}") from None
        for i in self._whole_numbers:
            if row[i] is not None:
                row[i] = int(row[i])  # whole numbers arrive as 5.0
        return [json.dumps(v) if isinstance(v, dict) else v for v in row]
