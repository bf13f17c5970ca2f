"""The contract suite on an org that only SF_TEST_* name: it runs, and leaves nothing behind that was not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from connector.localorg.org import Clock, Org
from connector.localorg.server import LocalOrgServer

ROOT = Path(__file__).parents[2]
REAL_ORG = ("SF_TEST_INSTANCE_URL", "SF_TEST_CLIENT_ID", "SF_TEST_CLIENT_SECRET")
SUITE = [f"tests/contract/test_{name}.py" for name in ("rest_contract", "bulk_contract", "columns")]


def run_suite(settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Only what is parametrized with an org from the environment."""
    command = [sys.executable, "-m", "pytest", *SUITE, "-rs", "-k", "real and org", "-p", "no:cacheprovider"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SF_TEST_", "PYTEST_", "COV_"))}
    return subprocess.run(
        command, cwd=ROOT, env={**clean, **settings}, capture_output=True, text=True, timeout=300, check=False
    )


def contents(org: Org) -> set[str]:
    """Ids of all records that are alive."""
    return {r["Id"] for sobject in ("Account", "Contact", "Lead", "Task", "Opportunity") for r in org.records(sobject)}


def test_suite_runs_on_an_org_from_the_environment_and_tidies_up() -> None:
    """The org of the environment is a local one here: one that the suite knows by its address only."""
    org = Org.create(clock=Clock())
    org.add_client("their-key", "their-secret", org.add_user("integration@example.com"))
    account = org.create_record("Account", {"Name": "Contract test"})
    org.create_record("Contact", {"LastName": "Contract", "AccountId": account})
    before = contents(org)
    with LocalOrgServer(org) as server:
        done = run_suite(dict(zip(REAL_ORG, (f"{server.url}/", "their-key", "their-secret"), strict=True)))
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
    assert "no real org" not in done.stdout  # what needs recordings may be skipped where there are none
    assert contents(org) == before
    assert len(org.ledger.writes()) > 10
    org.close()


def test_without_settings_it_says_what_is_missing() -> None:
    done = run_suite({REAL_ORG[0]: "https://example.my.salesforce.com"})
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"no real org: set {', '.join(REAL_ORG[1:])}" in done.stdout
    assert "passed" not in done.stdout


def test_tidying_deletes_what_was_made_and_nothing_else(local: Any) -> None:
    kept = local.org.create_record("Account", {"Name": "Kept"})
    local.create("Account", Name="Made")
    assert len(local.org.records("Account")) == 2
    local.tidy()
    assert {r["Id"] for r in local.org.records("Account")} == {kept}
