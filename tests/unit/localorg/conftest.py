"""Orgs for the tests of the local org: a fresh copy for each test, restored from one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from local_client import CUSTOM, NOW, Client

from connector.localorg.api.app import LocalOrgApp
from connector.localorg.org import Clock, Org, OrgError


@pytest.fixture(scope="session")
def org_snapshot() -> bytes:
    """A new org with a few custom fields."""
    org = Org.create(clock=Clock(NOW))
    org.define_fields(CUSTOM)
    return org.snapshot()


@pytest.fixture
def org(org_snapshot: bytes) -> Iterator[Org]:
    """A fresh org at 2026-09-01 08:00."""
    copy = Org.restore(org_snapshot, clock=Clock(NOW))
    yield copy
    copy.close()


@pytest.fixture
def account(org: Org) -> str:
    """One account called Acme."""
    return org.create_record("Account", {"Name": "Acme"})


@pytest.fixture
def refusal() -> Callable[..., OrgError]:
    """Call something that the org must refuse and return its refusal."""

    def call(act: Callable[..., Any], *args: Any, **kwargs: Any) -> OrgError:
        with pytest.raises(OrgError) as caught:
            act(*args, **kwargs)
        return caught.value

    return call


@pytest.fixture
def client(org: Org) -> Client:
    """A client that comes in as an integration user."""
    user_id = org.add_user("integration@example.com", last_name="Integration")
    return Client(org, LocalOrgApp(org), org.issue_token(user_id), user_id)
