"""What our user sees, asked over HTTP: what it costs, and what the local org's rights make of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from connector.localorg.org import Clock, Org
from connector.localorg.server import LocalOrgServer
from connector.pull.sight import find_unseen, look
from connector.salesforce import OrgClient, connect
from connector.settings import OrgSettings

NAMES = ("Account", "Contact", "Opportunity", "Task", "User")


@pytest.fixture
def server() -> Iterator[LocalOrgServer]:
    org = Org.create(clock=Clock(datetime(2026, 9, 1, 8, tzinfo=UTC)))
    org.add_client("key", "secret", org.add_user("connector@example.com"))
    org.setup.set_sharing_model("Opportunity", "Private")
    with LocalOrgServer(org) as server:
        yield server
    org.close()


def client(server: LocalOrgServer) -> OrgClient:
    return connect(OrgSettings(instance_url=server.url, client_id="key", client_secret="secret"))


def user(server: LocalOrgServer) -> str:
    return str(server.org.records("User", {"Username": "connector@example.com"})[0]["Id"])


def test_it_takes_one_call(server: LocalOrgServer) -> None:
    asking = client(server)
    found = look(asking, NAMES)
    assert asking.usage.total == 1
    assert (found.user, found.all_data) == (user(server), False)
    assert find_unseen(found, NAMES, {}) == dict.fromkeys(("Opportunity", "Task"), frozenset({"Opportunity"}))


def test_with_a_token_by_hand_it_takes_one_more_to_know_who_we_are(server: LocalOrgServer) -> None:
    token = server.org.issue_token(user(server))
    asking = connect(OrgSettings(instance_url=server.url, auth="access_token", access_token=token))
    assert (look(asking, NAMES).user, asking.user_id) == (user(server), "")
    assert asking.usage.total == 2


def test_the_administrator_sees_all(server: LocalOrgServer) -> None:
    server.org.add_client("key", "secret", server.org.admin_id)
    found = look(client(server), NAMES)
    assert found.all_data
    assert find_unseen(found, NAMES, {}) == {}


def test_a_user_with_very_many_rights_is_read_to_the_end(server: LocalOrgServer) -> None:
    org = server.org
    row = {"IsCustom": True, "Type": "Regular"}
    sets = org.load("PermissionSet", [{"Name": f"S{n}", "Label": "S", **row} for n in range(2001)])
    org.load("PermissionSetAssignment", [{"PermissionSetId": s, "AssigneeId": user(server)} for s in sets])
    right = {"PermissionsRead": True, "PermissionsViewAllRecords": True}
    names = ["Lead"] * 2000 + ["Opportunity"]
    org.load(
        "ObjectPermissions", [{"ParentId": s, "SobjectType": n, **right} for s, n in zip(sets, names, strict=True)]
    )
    assert look(client(server), NAMES).granted == {"Lead", "Opportunity"}
