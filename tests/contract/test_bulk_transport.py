"""Bulk pages and REST reads through everything that goes wrong on the way (reference section 9), over HTTP."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.localorg.org import Clock, Org
from connector.localorg.server import LocalOrgServer
from connector.salesforce import OrgClient, connect
from connector.salesforce.bulk import ResultPage
from connector.settings import HttpSettings, OrgSettings

ROWS = 250
SOQL = "SELECT Id, Name FROM Account ORDER BY Name"


@pytest.fixture
def server() -> Iterator[LocalOrgServer]:
    org = Org.create(clock=Clock(), seed=1)
    org.add_client("key", "secret", org.add_user("connector@example.com"))
    for n in range(ROWS):
        org.create_record("Account", {"Name": f"Account {n:03}"})
    with LocalOrgServer(org) as server:
        yield server
    org.close()


class Client:
    """A client that notes its pauses instead of sleeping."""

    def __init__(self, server: LocalOrgServer, **http: Any) -> None:
        self.pauses: list[float] = []
        org = OrgSettings(instance_url=server.url, client_id="key", client_secret="secret")
        self.org: OrgClient = connect(org, HttpSettings(**{"attempts": 4, **http}), sleep=self.pauses.append)

    def pages(self, directory: Path, most: int = 100) -> list[ResultPage]:
        job = self.org.bulk.create(SOQL)
        assert self.org.bulk.wait(job.id, patience=60, progress=lambda _: None).is_good
        pages = [self.org.bulk.page(job.id, "", directory, max_records=most)]
        while pages[-1].next_locator:
            pages.append(self.org.bulk.page(job.id, pages[-1].next_locator, directory, max_records=most))
        self.org.bulk.delete(job.id)
        return pages


def names(pages: list[ResultPage]) -> list[str]:
    lines: list[str] = []
    for page in pages:
        header, *rows = gzip.decompress(page.file.read_bytes()).decode().splitlines()
        assert header == '"Id","Name"'
        assert len(rows) == page.records
        lines += [row.split('","')[1].rstrip('"') for row in rows]
    return lines


EVERY_NAME = [f"Account {n:03}" for n in range(ROWS)]


def test_a_result_comes_page_by_page_and_compressed(server: LocalOrgServer, tmp_path: Path) -> None:
    pages = Client(server).pages(tmp_path)
    assert [p.records for p in pages] == [100, 100, 50]
    assert names(pages) == EVERY_NAME
    assert sorted(tmp_path.iterdir()) == sorted(p.file for p in pages)
    assert all(p.file.name.endswith(".csv.gz") for p in pages)
