"""The Bulk 2.0 module of simple-salesforce, unmodified, against the local org."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceOperationError

from connector.localorg.faults import Fault

HOSTILE = ['O\'Hara & "Sons", Ltd', "Zeile 1\nZeile 2", "=HYPERLINK(1)", "Ωmega 🦄", "a;b\tc|d`e^f"]
EXTERNAL = [
    {"sobject": "Account", "name": "Ext__c", "type": "string", "unique": True, "externalId": True},
    {"sobject": "Account", "name": "Vip__c", "type": "boolean", "defaultValue": True},
]


@pytest.fixture(autouse=True)
def fields(local: Any) -> None:
    local.org.define_fields(EXTERNAL)


def rows_of(text: str, **options: Any) -> list[dict[str, str]]:
    """A CSV answer as records."""
    return list(csv.DictReader(io.StringIO(text, newline=""), **options))


def names(local: Any) -> list[str]:
    return sorted(r["Name"] for r in local.org.records("Account"))


# --- query


def test_query_comes_page_by_page_with_the_header_repeated(sf: Salesforce, local: Any) -> None:
    local.org.load("Account", [{"Name": f"A{n:03}"} for n in range(25)])
    pages = list(sf.bulk2.Account.query("SELECT Id, Name FROM Account ORDER BY Name", max_records=10, wait=0))
    assert [len(rows_of(p)) for p in pages] == [10, 10, 5]
    assert [r["Name"] for p in pages for r in rows_of(p)] == [f"A{n:03}" for n in range(25)]
    assert {p.splitlines()[0] for p in pages} == {'"Id","Name"'}


def test_hostile_names_survive_every_delimiter_and_line_ending(sf: Salesforce, local: Any) -> None:
    local.org.load("Account", [{"Name": n} for n in HOSTILE])
    for name, delimiter in {"COMMA": ",", "TAB": "\t", "PIPE": "|", "SEMICOLON": ";", "CARET": "^"}.items():
        for ending in ("LF", "CRLF"):
            soql = "SELECT Name FROM Account"
            page = next(sf.bulk2.Account.query(soql, column_delimiter=name, line_ending=ending, wait=0))
            assert sorted(r["Name"] for r in rows_of(page, delimiter=delimiter)) == sorted(HOSTILE)


def test_query_of_nothing_is_a_header(sf: Salesforce) -> None:
    assert list(sf.bulk2.Account.query("SELECT Id, Owner.Name FROM Account", wait=0)) == ['"Id","Owner.Name"\n']


def test_query_all_sees_the_recycle_bin(sf: Salesforce, local: Any) -> None:
    local.org.delete_record("Account", local.org.create_record("Account", {"Name": "Gone"}))
    soql = "SELECT Name, IsDeleted FROM Account"
    assert rows_of(next(sf.bulk2.Account.query(soql, wait=0))) == []
    assert rows_of(next(sf.bulk2.Account.query_all(soql, wait=0))) == [{"Name": "Gone", "IsDeleted": "true"}]


def test_download_writes_a_file_per_page(sf: Salesforce, local: Any, tmp_path: Path) -> None:
    local.org.load("Account", [{"Name": f"A{n}"} for n in range(5)])
    files = sf.bulk2.Account.download("SELECT Name FROM Account", str(tmp_path), max_records=3, wait=0)
    assert [f["number_of_records"] for f in files] == [3, 2]
    assert sum(len(rows_of(Path(f["file"]).read_text())) for f in files) == 5


def test_query_that_bulk_does_not_take(sf: Salesforce) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="Aggregate"):
        next(sf.bulk2.Account.query("SELECT COUNT(Id) FROM Account", wait=0))


def test_query_job_that_fails_is_told(sf: Salesforce, local: Any) -> None:
    local.org.faults.add(Fault("job_failed", path="jobs/query", message="InternalServerError : try again"))
    with pytest.raises(SalesforceOperationError, match="InternalServerError : try again"):
        next(sf.bulk2.Account.query("SELECT Id FROM Account", wait=0))


def test_query_job_that_waits_is_waited_for(sf: Salesforce, local: Any) -> None:
    local.org.create_record("Account", {"Name": "A"})
    local.org.faults.add(Fault("job_queued", path="jobs/query", polls=3))
    local.org.faults.add(Fault("job_slow", path="jobs/query", polls=2))
    local.org.ledger.clear()
    assert len(rows_of(next(sf.bulk2.Account.query("SELECT Id FROM Account", wait=0)))) == 1
    assert len([e for e in local.org.ledger.entries if e.method == "GET" and "results" not in e.path]) == 6


# --- ingest


def test_insert_with_partial_success(sf: Salesforce, local: Any) -> None:
    records = [{"Name": n, "Industry": "Energy"} for n in HOSTILE] + [{"Name": "", "Industry": "Energy"}]
    [result] = sf.bulk2.Account.insert(records=records, wait=0)
    job = result.pop("job_id")
    assert result == {"numberRecordsFailed": 1, "numberRecordsProcessed": 6, "numberRecordsTotal": 6}
    assert names(local) == sorted(HOSTILE)
    [failed] = rows_of(sf.bulk2.Account.get_failed_records(job))
    assert failed["sf__Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    assert (failed["sf__Id"], failed["Industry"]) == ("", "Energy")
    written = rows_of(sf.bulk2.Account.get_successful_records(job))
    assert {r["sf__Created"] for r in written} == {"true"}
    assert {r["sf__Id"]: r["Name"] for r in written} == {r["Id"]: r["Name"] for r in local.org.records("Account")}
    assert rows_of(sf.bulk2.Account.get_unprocessed_records(job)) == []


def test_update_leaves_empty_cells_alone_and_empties_what_is_not_available(sf: Salesforce, local: Any) -> None:
    kept, emptied = (
        local.org.create_record("Account", {"Name": n, "Industry": "Energy", "Phone": "1"}) for n in ("Kept", "Emptied")
    )
    records = [{"Id": kept, "Industry": "", "Phone": "2"}, {"Id": emptied, "Industry": "#N/A", "Phone": "2"}]
    [result] = sf.bulk2.Account.update(records=records, wait=0)
    assert result["numberRecordsFailed"] == 0
    found = {r["Name"]: (r["Industry"], r["Phone"]) for r in local.org.records("Account")}
    assert found == {"Kept": ("Energy", "2"), "Emptied": (None, "2")}
    assert {r["sf__Created"] for r in rows_of(sf.bulk2.Account.get_successful_records(result["job_id"]))} == {"false"}


def test_upsert_by_external_id(sf: Salesforce, local: Any) -> None:
    old = local.org.create_record("Account", {"Name": "Old", "Ext__c": "E-1"})
    records = [
        {"Ext__c": "E-1", "Name": "Changed"},
        {"Ext__c": "E-2", "Name": "New"},
        {"Ext__c": "e-2", "Name": "Twin"},
    ]
    [result] = sf.bulk2.Account.upsert(records=records, external_id_field="Ext__c", wait=0)
    assert names(local) == ["Changed", "New"]
    written = {r["Name"]: r for r in rows_of(sf.bulk2.Account.get_successful_records(result["job_id"]))}
    assert (written["Changed"]["sf__Id"], written["Changed"]["sf__Created"]) == (old, "false")
    assert written["New"]["sf__Created"] == "true"
    [failed] = rows_of(sf.bulk2.Account.get_failed_records(result["job_id"]))
    assert failed["sf__Error"].startswith("DUPLICATE_VALUE:")


def test_delete_goes_to_the_recycle_bin_and_hard_delete_does_not(sf: Salesforce, local: Any) -> None:
    soft, hard = (local.org.create_record("Account", {"Name": n}) for n in ("Soft", "Hard"))
    contact = local.org.create_record("Contact", {"LastName": "Child", "AccountId": hard})
    [deleted] = sf.bulk2.Account.delete(records=[{"Id": soft}], wait=0)
    [purged] = sf.bulk2.Account.hard_delete(records=[{"Id": hard}], wait=0)
    assert deleted["numberRecordsFailed"] == purged["numberRecordsFailed"] == 0
    assert [r["Name"] for r in local.org.records("Account", include_deleted=True)] == ["Soft"]
    assert contact not in {r["Id"] for r in local.org.records("Contact", include_deleted=True)}


def test_header_that_names_no_field_fails_the_job(sf: Salesforce, local: Any) -> None:
    with pytest.raises(SalesforceOperationError, match="InvalidBatch : Field name not found : Nmae"):
        sf.bulk2.Account.insert(records=[{"Nmae": "A"}], wait=0)
    assert names(local) == []


def test_csv_file_with_other_delimiter_and_line_ending(sf: Salesforce, local: Any, tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    path.write_bytes(b'Name;Description\r\n"A;1";"x ""y"""\r\nB;\r\n')
    sf.bulk2.Account.insert(csv_file=str(path), column_delimiter="SEMICOLON", line_ending="CRLF", wait=0)
    assert {r["Name"]: r["Description"] for r in local.org.records("Account")} == {"A;1": 'x "y"', "B": None}


def test_several_jobs_at_once(sf: Salesforce, local: Any) -> None:
    records = [{"Name": f"A{n:02}"} for n in range(40)]
    results = sf.bulk2.Account.insert(records=records, batch_size=10, concurrency=4, wait=0)
    assert len(results) == 4
    assert names(local) == [r["Name"] for r in records]


def test_all_results_at_once(sf: Salesforce, local: Any) -> None:
    local.org.faults.add(Fault("job_failed", path="jobs/ingest", after_rows=2))
    with pytest.raises(SalesforceOperationError, match="InternalServerError"):
        sf.bulk2.Account.insert(records=[{"Name": n} for n in ("A", "", "C")], wait=0)
    [job] = local.org.bulk.kept
    found = sf.bulk2.Account.get_all_ingest_records(job)
    assert [[r["Name"] for r in found[k]] for k in found] == [["A"], [""], ["C"]]
