"""Each public method of simple-salesforce for REST and Bulk 2.0 is driven against the local org, or has a reason.

The methods are found by introspection: a new version of the library that brings another fails here.
"""

from __future__ import annotations

import csv
import inspect
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from simple_salesforce import Salesforce, SFType
from simple_salesforce.bulk2 import Operation, SFBulk2Type, _Bulk2Client
from simple_salesforce.exceptions import SalesforceError

Drive = Callable[[Salesforce, Any, Path], Any]
SOQL = "SELECT Id, Name FROM Account ORDER BY Name"
LATER = {
    "apexecute": "there is no Apex",
    "toolingexecute": "the Tooling API comes with a later issue",
    "mdapi": "the Metadata API comes with a later issue",
    "deploy": "the Metadata API comes with a later issue",
    "checkDeployStatus": "the Metadata API comes with a later issue",
    "search": "there is no SOSL",
    "quick_search": "there is no SOSL",
    "get_base64": "no object of this org holds files",
}
NO_REQUEST = {
    "parse_result_to_json": "reads an answer",
    "parse_api_usage": "reads a header",
    "session_id": "a property",
    "filter_null_bytes": "reads an answer",
}


def account(local: Any, **fields: Any) -> str:
    return str(local.org.create_record("Account", {"Name": "Acme", **fields}))


def one_file(folder: Path) -> str:
    path = folder / "file.txt"
    path.write_text("hello")
    return str(path)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def page_by_page(sf: Salesforce, local: Any, _: Path) -> Any:
    local.org.load("Account", [{"Name": f"A{n:04}"} for n in range(4100)])
    first = sf.query(SOQL)
    second = sf.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    third = sf.query_more(second["nextRecordsUrl"].rsplit("/", 1)[1])
    return sum(len(page["records"]) for page in (first, second, third)) == 4100


def changes(kind: str) -> Drive:
    def drive(sf: Salesforce, local: Any, _: Path) -> Any:
        gone = account(local)
        local.org.delete_record("Account", gone) if kind == "deleted" else None
        now = local.org.clock.now()
        local.org.clock.advance(timedelta(minutes=5))
        local.log_in()
        sf.session_id = local.http.headers["Authorization"].removeprefix("Bearer ")
        answer = getattr(sf.Account, kind)(now - timedelta(hours=1), now + timedelta(minutes=1))
        return gone in (answer.get("ids") or [d["id"] for d in answer["deletedRecords"]])

    return drive


REST: dict[str, Drive] = {
    "describe": lambda sf, local, _: sf.describe()["maxBatchSize"] == 200,
    "is_sandbox": lambda sf, local, _: sf.is_sandbox() is False,
    "limits": lambda sf, local, _: sf.limits()["DailyApiRequests"]["Max"] > 0,
    "oauth2": lambda sf, local, _: sf.oauth2("userinfo")["organization_id"] == local.org.state.org_id,
    "query": lambda sf, local, _: account(local) == sf.query(SOQL)["records"][0]["Id"],
    "query_all": lambda sf, local, _: account(local) == sf.query_all(SOQL)["records"][0]["Id"],
    "query_all_iter": lambda sf, local, _: [account(local)] == [r["Id"] for r in sf.query_all_iter(SOQL)],
    "query_more": page_by_page,
    "restful": lambda sf, local, _: "sobjects" in sf.restful(""),
    "set_password": lambda sf, local, _: sf.set_password(local.org.admin_id, "correct horse 1") is None,
}
RECORDS: dict[str, Drive] = {
    "create": lambda sf, local, _: sf.Account.create({"Name": "A"})["success"],
    "delete": lambda sf, local, _: sf.Account.delete(account(local)) == 204,
    "deleted": changes("deleted"),
    "updated": changes("updated"),
    "describe": lambda sf, local, _: sf.Account.describe()["keyPrefix"] == "001",
    "describe_layout": lambda sf, local, _: sf.Account.describe_layout("012000000000000AAA")["detailLayoutSections"],
    "get": lambda sf, local, _: sf.Account.get(account(local))["Name"] == "Acme",
    "get_by_custom_id": lambda sf, local, _: (
        account(local, Ext__c="7") == sf.Account.get_by_custom_id("Ext__c", "7")["Id"]
    ),
    "metadata": lambda sf, local, _: sf.Account.metadata()["objectDescribe"]["name"] == "Account",
    "update": lambda sf, local, _: sf.Account.update(account(local), {"Name": "B"}) == 204,
    "update_base64": lambda sf, local, folder: (
        sf.Account.update_base64(account(local), one_file(folder), base64_field="Description") == 204
    ),
    "upload_base64": lambda sf, local, folder: (
        sf.Campaign.upload_base64(one_file(folder), base64_field="Name").status_code == 201
    ),
    "upsert": lambda sf, local, _: sf.Account.upsert("Ext__c/1", {"Name": "A"}) == 201,
}


def written(operation: str, records: Callable[[Any], list[dict[str, Any]]], **options: Any) -> Drive:
    def drive(sf: Salesforce, local: Any, _: Path) -> Any:
        [done] = getattr(sf.bulk2.Account, operation)(records=records(local), wait=0, **options)
        return (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (1, 0)

    return drive


def read(operation: str) -> Drive:
    return lambda sf, local, _: (
        [account(local)] == [r["Id"] for page in getattr(sf.bulk2.Account, operation)(SOQL, wait=0) for r in rows(page)]
    )


def results(name: str, count: int) -> Drive:
    def drive(sf: Salesforce, local: Any, _: Path) -> Any:
        [done] = sf.bulk2.Account.insert(records=[{"Name": "A"}, {"Name": ""}], wait=0)
        return len(rows(getattr(sf.bulk2.Account, name)(done["job_id"]))) == count

    return drive


def all_results(sf: Salesforce, local: Any, _: Path) -> Any:
    [done] = sf.bulk2.Account.insert(records=[{"Name": "A"}, {"Name": ""}], wait=0)
    return [len(v) for v in sf.bulk2.Account.get_all_ingest_records(done["job_id"]).values()] == [1, 1, 0]


BULK: dict[str, Drive] = {
    "insert": written("insert", lambda local: [{"Name": "A"}]),
    "update": written("update", lambda local: [{"Id": account(local), "Name": "B"}]),
    "upsert": written("upsert", lambda local: [{"Ext__c": "1", "Name": "B"}], external_id_field="Ext__c"),
    "delete": written("delete", lambda local: [{"Id": account(local)}]),
    "hard_delete": written("hard_delete", lambda local: [{"Id": account(local)}]),
    "query": read("query"),
    "query_all": read("query_all"),
    "download": lambda sf, local, folder: (
        account(local) and [f["number_of_records"] for f in sf.bulk2.Account.download(SOQL, str(folder), wait=0)] == [1]
    ),
    "get_all_ingest_records": all_results,
    "get_failed_records": results("get_failed_records", 1),
    "get_successful_records": results("get_successful_records", 1),
    "get_unprocessed_records": results("get_unprocessed_records", 0),
}


def client_of(sf: Salesforce) -> Any:
    return sf.bulk2.Account._client


def opened(sf: Salesforce) -> Any:
    return client_of(sf).create_job(Operation.insert)


def uploaded(sf: Salesforce) -> Any:
    job = opened(sf)["id"]
    client_of(sf).upload_job_data(job, "Name\nA\n")
    return job


def queried(sf: Salesforce) -> Any:
    job = client_of(sf).create_job(Operation.query, query=SOQL)["id"]
    client_of(sf).wait_for_job(job, is_query=True, wait=0)
    return job


def loaded(sf: Salesforce) -> Any:
    job = uploaded(sf)
    client_of(sf).close_job(job)
    client_of(sf).wait_for_job(job, is_query=False, wait=0)
    return job


def deleted_job(sf: Salesforce, local: Any, _: Path) -> Any:
    """The job is gone; the library then reads the empty answer as JSON, which it would do after a real org's too."""
    with pytest.raises(ValueError, match="Expecting value"):
        client_of(sf).delete_job(loaded(sf), is_query=False)
    return not local.org.bulk.kept


def downloaded(sf: Salesforce, local: Any, folder: Path) -> Any:
    account(local)
    return client_of(sf).download_job_data(str(folder), queried(sf))["number_of_records"] == 1


CLIENT: dict[str, Drive] = {
    "create_job": lambda sf, local, _: opened(sf)["state"] == "Open",
    "upload_job_data": lambda sf, local, _: uploaded(sf) in local.org.bulk.kept,
    "close_job": lambda sf, local, _: client_of(sf).close_job(uploaded(sf))["state"] == "UploadComplete",
    "abort_job": lambda sf, local, _: client_of(sf).abort_job(opened(sf)["id"], is_query=False)["state"] == "Aborted",
    "delete_job": deleted_job,
    "get_job": lambda sf, local, _: client_of(sf).get_job(loaded(sf), is_query=False)["state"] == "JobComplete",
    "wait_for_job": lambda sf, local, _: loaded(sf) in local.org.bulk.kept,
    "get_query_results": lambda sf, local, _: client_of(sf).get_query_results(queried(sf))["number_of_records"] == 0,
    "download_job_data": downloaded,
    "get_ingest_results": lambda sf, local, _: (
        len(rows(client_of(sf).get_ingest_results(loaded(sf), "successfulResults"))) == 1
    ),
    "download_ingest_results": lambda sf, local, folder: (
        client_of(sf).download_ingest_results(str(folder / "file.csv"), loaded(sf), "successfulResults") is None
    ),
}
DRIVEN: dict[type, dict[str, Drive]] = {Salesforce: REST, SFType: RECORDS, SFBulk2Type: BULK, _Bulk2Client: CLIENT}


def public(owner: type) -> set[str]:
    """The public methods and properties of a class; constants are none."""
    members = inspect.getmembers(owner, lambda m: callable(m) or isinstance(m, property))
    return {name for name, _ in members if not name.startswith("_")}


@pytest.mark.parametrize("owner", DRIVEN, ids=lambda owner: owner.__name__)
def test_every_method_is_driven_or_has_a_reason(owner: type) -> None:
    assert public(owner) - DRIVEN[owner].keys() - LATER.keys() - NO_REQUEST.keys() == set()
    assert DRIVEN[owner].keys() - public(owner) == set()


def test_every_reason_is_about_a_method() -> None:
    methods = set().union(*map(public, DRIVEN))
    assert (LATER.keys() | NO_REQUEST.keys()) - methods == set()


@pytest.mark.parametrize(("owner", "name"), [(o, n) for o in DRIVEN for n in DRIVEN[o]], ids=str)
def test_method(owner: type, name: str, sf: Salesforce, local: Any, tmp_path: Path) -> None:
    key = {"sobject": "Account", "name": "Ext__c", "type": "string", "unique": True, "externalId": True}
    local.org.define_fields([key])
    assert DRIVEN[owner][name](sf, local, tmp_path)


REFUSED: dict[str, Drive] = {
    "apexecute": lambda sf, local, _: sf.apexecute("thing"),
    "toolingexecute": lambda sf, local, _: sf.toolingexecute("query/?q=SELECT+Id+FROM+ApexClass"),
    "search": lambda sf, local, _: sf.search("FIND {Acme}"),
    "quick_search": lambda sf, local, _: sf.quick_search("Acme"),
    "get_base64": lambda sf, local, _: sf.Attachment.get_base64("00P000000000001AAA"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_comes_later_is_refused_loudly(name: str, sf: Salesforce, local: Any, tmp_path: Path) -> None:
    with pytest.raises(SalesforceError):
        REFUSED[name](sf, local, tmp_path)
