"""Files and databases beside Salesforce, through the command line: they move accounts, grow old, break, come back."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from installations import NOW, STAGE, Installation

RULE = "paying and not in_renewal and (trained\n      or (stage"
LOGINS = """
  logins:
    file: usage/logins.csv
    key: account_id
    value: logins
    stale_after: 7 days
"""


@pytest.fixture
def company(settled: Installation) -> Installation:
    """A settled org whose mapping takes ten logins for a launch."""
    (settled.home / "exports").mkdir()
    config = settled.home / "config.toml"
    config.write_text(config.read_text() + '[sources.usage]\ndirectory = "exports"\n')
    settled.edit("mappings/post_sale/model.yaml", "\nfacts:\n", f"\nfacts:{LOGINS}")
    settled.edit(
        "mappings/post_sale/model.yaml",
        RULE,
        RULE.replace("(trained", "(trained or (logins is not null and logins >= 10)"),
    )
    return settled


def deliver(company: Installation, text: str, *, written: datetime = NOW, name: str = "logins.csv") -> Path:
    file = company.home / "exports" / name
    file.write_text(text, encoding="utf-8")
    os.utime(file, (written.timestamp(), written.timestamp()))
    return file


def in_onboarding(company: Installation) -> str:
    return next(a["Id"] for a in company.org.records("Account") if a[STAGE] == "onboarding")


def moves(report: Mapping[str, object]) -> list[tuple[str, str]]:
    return [(c["subject"], c["to_stage"]) for c in report["plan"]["changes"] if c["kind"] == "move"]  # type: ignore[index]


def test_usage_moves_an_account_and_is_not_believed_when_it_is_old(company: Installation) -> None:
    account = in_onboarding(company)
    deliver(company, f"account_id,logins\n{account[:15]},12\n001000000000999AAA,40\n")
    done = company.json("run", "lifecycle")
    assert moves(done) == [(account, "launched")]
    source = done["pull"]["objects"]["file:usage/logins.csv"]
    assert (source["complete"], source["read"]) == (True, 2)
    assert source["notices"] == ["usage/logins.csv: 1 of 2 rows belong to no Account (`account_id` is the Id of none)."]
    told = company.run("explain", account)
    assert "usage/logins.csv, written today" in told.stdout

    deliver(company, f"account_id,logins\n{account},12\n", written=datetime(2026, 8, 20, tzinfo=UTC))
    later = company.json("run", "lifecycle")
    assert moves(later) == []
    told_why = later["models"][0]["unknown"]["logins"]
    assert told_why.startswith("usage/logins.csv is from 2026-08-")
    assert told_why.endswith("older than 7 days.")
    told = company.run("explain", account)
    assert "older than 7 days" in told.stdout.replace("\n", " ")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "deliver it, or correct the path"),
        ("account_id,logins\n{0},12\n{1},13\n{0},1\n", "in the rows 2 and 4"),
        ("account,logins\n{0},12\n", "has no column `account_id` (did you mean `account`?)"),
        ("account_id,logouts\n{0},12\n", "has no column `logins` (did you mean `logouts`?)"),
        ("account_id,logins\nabc,12\n", "all rows belong to no Account (`account_id` is the Id of none)"),
        ("account_id,logins\n{0},12\n{1},13,14\n", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_moves_nobody_and_is_told(
    company: Installation, text: str | None, reason: str
) -> None:
    account = in_onboarding(company)
    if text is not None:
        deliver(company, text.format(account, "001000000000999AAA"))
    done = company.json("run", "lifecycle", code=1)
    assert moves(done) == []
    source = done["pull"]["objects"]["file:usage/logins.csv"]
    assert reason in source["reason"] + " ".join(source["hidden"].values())
    assert done["status"] == "failed"


def test_a_value_that_is_no_number_any_more_is_named_and_the_rest_goes_on(company: Installation) -> None:
    account = in_onboarding(company)
    deliver(company, f"account_id,logins\n{account},1\n")
    company.json("run", "lifecycle")
    deliver(company, f"account_id,logins\n{account},n/a\n", written=datetime(2026, 9, 1, 9, tzinfo=UTC))
    done = company.json("run", "lifecycle", code=1)
    reason = done["pull"]["objects"]["file:usage/logins.csv"]["reason"]
    assert "'n/a' as `logins` in row 2, which is no number" in reason


def test_a_mapping_reads_nothing_outside_of_the_directories_that_settings_name(company: Installation) -> None:
    (company.home / "secret.csv").write_text("account_id,logins\n")
    (company.home / "exports" / "logins.csv").symlink_to(company.home / "secret.csv")
    done = company.json("run", "lifecycle", code=1)
    assert "lies outside of" in done["pull"]["objects"]["file:usage/logins.csv"]["reason"]


def test_check_looks_into_the_files_that_are_there(company: Installation) -> None:
    absent = company.run("check")
    assert absent.returncode == 0, absent.stdout + absent.stderr
    assert "cannot be opened" in absent.stdout + absent.stderr
    deliver(company, "account_id,log_ins\n001000000000999AAA,4\n")
    wrong = company.run("check")
    assert wrong.returncode == 2
    assert "model.yaml:" in wrong.stdout + wrong.stderr
    assert "unknown name 'logins'; did you mean 'log_ins'?" in wrong.stdout + wrong.stderr


def test_a_query_moves_an_account_and_a_lost_database_moves_nobody(company: Installation) -> None:
    account = in_onboarding(company)
    database = company.home / "product.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE logins (account TEXT, day TEXT)")
        connection.executemany("INSERT INTO logins VALUES (?, '2026-08-31')", [(account,)] * 12)
    config = company.home / "config.toml"
    config.write_text(config.read_text() + f'[sources.product]\nurl = "sqlite:///{database}"\n')
    company.edit("mappings/post_sale/model.yaml", "    file: usage/logins.csv\n    key: account_id\n", (
        "    query: SELECT account, count(*) AS logins, max(day) AS day FROM logins GROUP BY account\n"
        "    database: product\n    key: account\n    dated: day\n"
    ))  # fmt: skip
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is an extra of the installation")
    assert moves(company.json("run", "lifecycle")) == [(account, "launched")]
    database.unlink()
    done = company.json("run", "lifecycle", code=1)
    assert moves(done) == []
    assert any("unable to open database file" in o["reason"] for o in done["pull"]["objects"].values())
    assert not database.exists()
