"""A small local org, prepared once, and installations of the program that share a fresh copy of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from installations import NOW, ROOT, Installation

from connector.localorg.clock import Clock
from connector.localorg.org import Org
from connector.localorg.seeds import load_seed
from connector.localorg.server import LocalOrgServer
from connector.mapping import load_mapping
from connector.orgsetup import export_source, fields_of


@pytest.fixture(scope="session")
def prepared_org(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small book in an org that an admin has prepared with what `setup export` writes."""
    source = tmp_path_factory.mktemp("source")
    model = load_mapping(ROOT / "mappings" / "post_sale")
    export_source(source, fields_of([model]), needs=model.needs)
    with closing(Org.create(clock=Clock(NOW))) as org:
        load_seed(org, "small")
        org.load_source(source)
        org.add_status("Not needed", closed=True)
        org.add_client("system-client", "system-secret", org.admin_id)
        return org.snapshot()


def lay_out(home: Path, url: str, name: str) -> None:
    """A folder as an operator would have it."""
    for folder in ("mappings", "jobs"):
        shutil.copytree(ROOT / folder, home / folder)
    (home / "config.toml").write_text(
        f'installation = "{name}"\n[org]\ninstance_url = "{url}"\nclient_id = "system-client"\n'
        "[http]\nattempts = 2\n[serve]\nport = 0\n"
    )


Install = Callable[[str], Installation]


@pytest.fixture
def install(prepared_org: bytes, tmp_path: Path) -> Iterator[Install]:
    """Makes installations that share one org, fresh for this test."""
    with closing(Org.restore(prepared_org, clock=Clock(NOW))) as org, LocalOrgServer(org) as server:

        def make(name: str) -> Installation:
            lay_out(tmp_path / name, server.url, name)
            return Installation(tmp_path / name, server)

        yield make


@pytest.fixture
def installation(install: Install) -> Installation:
    return install("connector")


@dataclass(frozen=True)
class Settled:
    """An org after its first run, and what that run left beside it."""

    org: bytes
    store: Path


@pytest.fixture(scope="session")
def settled_once(prepared_org: bytes, tmp_path_factory: pytest.TempPathFactory) -> Settled:
    home = tmp_path_factory.mktemp("settled")
    with closing(Org.restore(prepared_org, clock=Clock(NOW))) as org, LocalOrgServer(org) as server:
        lay_out(home, server.url, "connector")
        assert Installation(home, server).run("run", "lifecycle").returncode == 0
        return Settled(org.snapshot(), home / "var")


@pytest.fixture
def settled(settled_once: Settled, tmp_path: Path) -> Iterator[Installation]:
    """An installation whose first run is over."""
    with closing(Org.restore(settled_once.org, clock=Clock(NOW))) as org, LocalOrgServer(org) as server:
        lay_out(tmp_path, server.url, "connector")
        shutil.copytree(settled_once.store, tmp_path / "var")
        yield Installation(tmp_path, server)
