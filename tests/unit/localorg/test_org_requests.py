"""The org behind HTTP, without sockets: records, queries, composite, collections, refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from local_client import Client

from connector.localorg.api.wire import make_call
from connector.localorg.org import Org

ACCOUNT = {"attributes": {"type": "Account"}}


def code(reply: Any) -> str:
    return str(reply.body[0]["errorCode"])


# --- ways in


def test_versions_need_no_token(client: Client) -> None:
    reply = client.app.answer(make_call("GET", "/services/data/", {}), 1, "http://local").reply
    assert reply.body[-1] == {"label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0"}
    assert reply.body[0]["version"] == "31.0"


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Bearer ", "Basic abc"])
def test_only_issued_tokens_come_in(header: str | None, client: Client) -> None:
    call = make_call("GET", "/services/data/v66.0/limits", {} if header is None else {"authorization": header})
    reply = client.app.answer(call, 1, "http://local").reply
    assert (reply.status, reply.body) == (
        401,
        [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}],
    )


def test_a_token_lives_while_it_is_used(client: Client) -> None:
    for _ in range(3):
        client.org.clock.advance(timedelta(minutes=119))
        assert client.send("GET", "limits").status == 200
    client.org.clock.advance(timedelta(minutes=121))
    assert client.send("GET", "limits").status == 401


UNKNOWN: dict[str, tuple[str, str, int, str]] = {
    "an unknown resource": ("GET", "nonsense", 404, "NOT_FOUND"),
    "an unknown object": ("GET", "sobjects/Foo", 404, "NOT_FOUND"),
    "describe of an unknown object": ("GET", "sobjects/Foo/describe", 404, "NOT_FOUND"),
    "an unknown record": ("GET", "sobjects/Account/001B000000002bHIAQ", 404, "NOT_FOUND"),
    "no record id": ("GET", "sobjects/Account/acme", 404, "NOT_FOUND"),
    "an unknown external id": ("GET", "sobjects/Account/Ext__c/x", 404, "NOT_FOUND"),
    "a field that is no key": ("PATCH", "sobjects/Account/Industry/x", 404, "NOT_FOUND"),
    "a wrong method": ("PUT", "sobjects/Account", 405, "METHOD_NOT_ALLOWED"),
    "deleting a query": ("DELETE", "query", 405, "METHOD_NOT_ALLOWED"),
    "an unknown version": ("GET", "/services/data/v99.0/limits", 404, "NOT_FOUND"),
    "no version at all": ("GET", "/services/data/latest/limits", 404, "NOT_FOUND"),
    "a retired version": ("GET", "/services/data/v29.0/limits", 410, "UNSUPPORTED_API_VERSION"),
    "a query without text": ("GET", "query", 400, "MALFORMED_QUERY"),
    "an unknown locator": ("GET", "query/0r8xx0000000001AAA-2000", 400, "INVALID_QUERY_LOCATOR"),
    "another service": ("GET", "/services/apexrest/x", 404, "NOT_FOUND"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_refused_request(case: str, client: Client) -> None:
    method, path, status, expected = UNKNOWN[case]
    reply = client.send(method, path, {} if method == "PATCH" else None)
    assert (reply.status, code(reply)) == (status, expected)


def test_recorded_wordings(client: Client) -> None:
    assert client.send("GET", "sobjects/Foo").body == [
        {"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}
    ]
    assert client.send("GET", "sobjects/Account/23foo").body == [
        {"message": "Provided external ID field does not exist or is not accessible: 23foo", "errorCode": "NOT_FOUND"}
    ]


def test_trailing_slashes_and_old_versions(client: Client) -> None:
    client.version = "v48.0"
    reply = client.send("GET", "sobjects/")
    assert reply.body["sobjects"][0]["urls"]["sobject"].startswith("/services/data/v48.0/")
    assert (
        client.send("GET", "query/", q="SELECT Id FROM User")
        .body["records"][0]["attributes"]["url"]
        .startswith("/services/data/v48.0/")
    )


def test_every_reply_tells_api_use_and_the_orgs_time(client: Client) -> None:
    client.send("GET", "limits")
    for path in ("limits", "nonsense"):
        headers = client.send("GET", path).headers
        assert headers["Date"] == "Tue, 01 Sep 2026 08:00:00 GMT"
        assert headers["Sforce-Limit-Info"].startswith("api-usage=")
    assert client.send("GET", "limits").headers["Sforce-Limit-Info"] == "api-usage=4/100000"
    assert client.send("GET", "limits").body["DailyApiRequests"] == {"Max": 100000, "Remaining": 99995}


# --- describe


def test_describe_unless_modified(client: Client) -> None:
    first = client.send("GET", "sobjects/Account/describe")
    since = {"if-modified-since": first.headers["Last-Modified"]}
    assert client.send("GET", "sobjects/Account/describe", headers=since).status == 304
    assert client.send("GET", "sobjects", headers=since).status == 304
    client.org.clock.advance(timedelta(minutes=1))
    client.org.define_fields([{"sobject": "Account", "name": "New__c", "type": "string"}])
    assert client.send("GET", "sobjects/Account/describe", headers=since).status == 200


# --- single records


def test_life_of_a_record(client: Client) -> None:
    created = client.send("POST", "sobjects/Account", {"Name": "Acme"})
    record_id = created.body["id"]
    assert (created.status, created.body) == (201, {"id": record_id, "success": True, "errors": []})
    assert created.headers["Location"] == f"/services/data/v66.0/sobjects/Account/{record_id}"
    path = f"sobjects/Account/{record_id}"
    assert client.send("PATCH", path, {"Industry": "Energy"}).status == 204
    shown = client.send("GET", path, fields="Name,Industry").body
    assert shown == {
        "attributes": {"type": "Account", "url": f"/services/data/v66.0/{path}"},
        "Name": "Acme",
        "Industry": "Energy",
    }
    assert client.send("GET", path[:-3]).body["BillingAddress"] is None
    assert client.send("POST", f"{path}?_HTTP_METHOD=PATCH", {"Industry": None}).status == 204
    assert client.send("DELETE", path).status == 204
    gone = client.send("GET", path)
    assert (gone.status, gone.body) == (
        404,
        [{"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED", "fields": []}],
    )
    assert client.org.records("Account", include_deleted=True)[0]["LastModifiedById"] == client.user_id


def test_refused_write_says_why(client: Client) -> None:
    reply = client.send("POST", "sobjects/Account", {"Industry": "Energy"})
    assert (reply.status, reply.body) == (
        400,
        [{"message": "Required fields are missing: [Name]", "errorCode": "REQUIRED_FIELD_MISSING", "fields": ["Name"]}],
    )


def test_unreadable_bodies(client: Client) -> None:
    headers = {"authorization": f"Bearer {client.token}"}
    for raw in (b"{", b"[1]", b"\xff", b""):
        call = make_call("POST", "/services/data/v66.0/sobjects/Account", headers, raw)
        reply = client.app.answer(call, 1, "http://local").reply
        assert (reply.status, code(reply)) == (400, "JSON_PARSER_ERROR")


def test_optimistic_concurrency_by_date(client: Client, account: str) -> None:
    old = {"if-unmodified-since": "Tue, 01 Sep 2026 07:00:00 GMT"}
    assert client.send("PATCH", f"sobjects/Account/{account}", {"Industry": "x"}, headers=old).status == 412
    new = {"if-unmodified-since": "Tue, 01 Sep 2026 08:00:00 GMT"}
    assert client.send("PATCH", f"sobjects/Account/{account}", {"Industry": "x"}, headers=new).status == 204


def test_upsert_by_external_id(client: Client) -> None:
    path = "sobjects/Account/Ext__c/A%2F1%20b"
    created = client.send("PATCH", path, {"Name": "Acme"})
    assert (created.status, created.body["created"]) == (201, True)
    assert client.org.records("Account")[0]["Ext__c"] == "A/1 b"
    updated = client.send(
        "PATCH", path.lower().replace("ext__c", "Ext__c").replace("sobjects/account", "sobjects/Account"), {"Name": "B"}
    )
    assert (updated.status, updated.body) == (
        200,
        {"id": created.body["id"], "success": True, "errors": [], "created": False},
    )
    assert client.send("GET", path).body["Name"] == "B"
    assert code(client.send("PATCH", path, {"Name": "B", "Ext__c": "A"})) == "INVALID_FIELD"
    assert client.send("PATCH", "sobjects/Account/Ext__c/new?updateOnly=true", {"Name": "B"}).status == 404
    assert client.send("DELETE", path).status == 204


def test_external_id_of_several_records(client: Client) -> None:
    ids = [client.org.create_record("Account", {"Name": n, "Legacy__c": "7"}) for n in "AB"]
    reply = client.send("PATCH", "sobjects/Account/Legacy__c/7", {"Name": "C"})
    assert (reply.status, reply.body) == (300, [f"/services/data/v66.0/sobjects/Account/{i}" for i in ids])


# --- queries


def test_pages_of_a_query(client: Client) -> None:
    client.org.load("Account", [{"Name": f"A{n:04}"} for n in range(4500)])
    first = client.query("SELECT Name FROM Account ORDER BY Name").body
    assert (first["totalSize"], first["done"], len(first["records"])) == (4500, False, 2000)
    second = client.send("GET", first["nextRecordsUrl"]).body
    third = client.send("GET", second["nextRecordsUrl"]).body
    assert (third["done"], len(third["records"]), "nextRecordsUrl" in third) == (True, 500, False)
    assert third["records"][-1]["Name"] == "A4499"
    assert client.send("GET", first["nextRecordsUrl"]).body == second


def test_pages_show_the_org_as_it_was(client: Client) -> None:
    client.org.load("Account", [{"Name": f"A{n:04}"} for n in range(300)])
    headers = {"sforce-query-options": "batchSize=200"}
    first = client.send("GET", "query", q="SELECT Name FROM Account ORDER BY Name", headers=headers).body
    assert len(first["records"]) == 200
    client.org.load("Account", [{"Name": "A0000a"}])
    assert client.send("GET", first["nextRecordsUrl"]).body["records"][0]["Name"] == "A0200"


def test_locators_end_after_two_days_and_belong_to_their_user(client: Client) -> None:
    client.org.load("Account", [{"Name": "A"} for _ in range(2001)])
    url = client.query("SELECT Id FROM Account").body["nextRecordsUrl"]
    own, client.token = client.token, client.org.issue_token()
    assert code(client.send("GET", url)) == "INVALID_QUERY_LOCATOR"
    client.token = own
    assert client.send("GET", url).status == 200
    client.org.clock.advance(timedelta(days=2, seconds=1))
    client.token = client.org.issue_token(client.user_id)
    assert code(client.send("GET", url)) == "INVALID_QUERY_LOCATOR"


def test_query_all_goes_on_under_query(client: Client) -> None:
    client.org.load("Account", [{"Name": "A", "IsDeleted": True} for _ in range(2001)])
    first = client.query("SELECT Id, IsDeleted FROM Account", "queryAll").body
    assert "/query/" in first["nextRecordsUrl"]
    assert client.send("GET", first["nextRecordsUrl"]).body["records"][0]["IsDeleted"] is True


def test_count_and_record_count(client: Client, account: str) -> None:
    assert client.query("SELECT COUNT() FROM Account").body == {"totalSize": 1, "done": True, "records": []}
    assert client.send("GET", "limits/recordCount", sObjects="Account,Lead").body == {
        "sObjects": [{"count": 1, "name": "Account"}]
    }


# --- collections


def create_many(client: Client, records: list[dict[str, Any]], **body: Any) -> Any:
    return client.send("POST", "composite/sobjects", {"records": records, **body})


def test_each_record_is_judged_by_itself(client: Client) -> None:
    reply = create_many(client, [{**ACCOUNT, "Name": "A"}, {**ACCOUNT}, {**ACCOUNT, "Name": "B"}])
    assert reply.status == 200
    assert [r["success"] for r in reply.body] == [True, False, True]
    assert reply.body[0]["errors"] == []
    assert "created" not in reply.body[0]
    assert reply.body[1] == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [Name]",
                "fields": ["Name"],
            }
        ],
    }
    assert client.org.query("SELECT COUNT() FROM Account").total == 2


def test_all_or_none(client: Client) -> None:
    reply = create_many(client, [{**ACCOUNT, "Name": "A"}, {**ACCOUNT}], allOrNone=True)
    codes = [r["errors"][0]["statusCode"] for r in reply.body]
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert client.org.query("SELECT COUNT() FROM Account").total == 0


def test_too_many_records(client: Client) -> None:
    reply = create_many(client, [{**ACCOUNT, "Name": "A"}] * 201)
    assert (reply.status, code(reply)) == (400, "EXCEEDED_ID_LIMIT")
    assert reply.body[0]["message"] == "record limit reached. cannot submit more than 200 records into this call"
    mixed = [{**ACCOUNT, "Name": "A"}, {"attributes": {"type": "Lead"}, "LastName": "B", "Company": "C"}] * 6
    assert create_many(client, mixed).status == 400
    assert client.org.query("SELECT COUNT() FROM Account").total == 0


@pytest.mark.parametrize(("answer", "status", "created"), [("request", 400, 0), ("record", 200, 1)])
def test_whether_an_unreadable_record_refuses_the_request_is_a_switch(
    answer: str, status: int, created: int, client: Client
) -> None:
    client.org.set_switches(unreadable_record=answer)
    reply = create_many(client, [{**ACCOUNT, "Name": "A"}, {**ACCOUNT, "Name": "B", "Nope": 1}])
    assert reply.status == status
    assert client.org.query("SELECT COUNT() FROM Account").total == created


def test_update_many(client: Client, account: str) -> None:
    records = [
        {**ACCOUNT, "id": account, "Name": "B"},
        {**ACCOUNT, "id": "001B000000002bHIAQ", "Name": "C"},
        {**ACCOUNT, "id": "acme", "Name": "D"},
        {**ACCOUNT, "id": account, "Name": "E"},
        {**ACCOUNT, "Name": "F"},
    ]
    reply = client.send("PATCH", "composite/sobjects", {"records": records})
    codes = [r["errors"][0]["statusCode"] if r["errors"] else None for r in reply.body]
    assert codes == [None, "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID", "DUPLICATE_VALUE", "MISSING_ARGUMENT"]
    assert client.org.records("Account")[0]["Name"] == "B"


def test_upsert_many(client: Client) -> None:
    def upsert(*keys: str | None) -> Any:
        records = [{**ACCOUNT, "Name": f"N{k}", "Ext__c": k} for k in keys]
        return client.send("PATCH", "composite/sobjects/Account/Ext__c", {"records": records}).body

    first = upsert("1", "2")
    assert [r["created"] for r in first] == [True, True]
    second = upsert("2", "3", "3", None)
    assert [r.get("created") for r in second] == [False, True, None, None]
    assert second[0]["id"] == first[1]["id"]
    assert [r["errors"][0]["statusCode"] for r in second[2:]] == ["DUPLICATE_VALUE", "MISSING_ARGUMENT"]


def test_a_record_of_an_upsert_has_one_key(client: Client, account: str) -> None:
    records = [{**ACCOUNT, "Name": "N", "Ext__c": "9", "Id": account}, {**ACCOUNT, "Name": "N", "Ext__c": "8"}]
    reply = client.send("PATCH", "composite/sobjects/Account/Ext__c", {"records": records}).body
    assert [r["success"] for r in reply] == [False, True]
    assert reply[0]["errors"][0]["statusCode"] == "INVALID_FIELD"


def test_upsert_many_by_id_as_recorded(client: Client, account: str) -> None:
    records = [{**ACCOUNT, "Name": "A", "Id": None}, {**ACCOUNT, "Name": "B", "Id": account}]
    reply = client.send("PATCH", "composite/sobjects/Account/Id", {"allOrNone": False, "records": records})
    assert [(r["success"], r["created"]) for r in reply.body] == [(True, True), (True, False)]


def test_delete_many(client: Client, account: str) -> None:
    other = client.org.create_record("Lead", {"LastName": "Roe", "Company": "C"})
    reply = client.send("DELETE", f"composite/sobjects?ids={account},{other},nonsense,{account}&allOrNone=false")
    assert [r["success"] for r in reply.body] == [True, True, False, False]
    assert [r["errors"][0]["statusCode"] for r in reply.body[2:]] == ["MALFORMED_ID", "ENTITY_IS_DELETED"]


def test_retrieve_many(client: Client, account: str) -> None:
    gone = client.org.create_record("Account", {"Name": "Gone"})
    client.org.delete_record("Account", gone)
    body = {"ids": [gone, account, account[:15]], "fields": ["Name", "Owner.Name"]}
    reply = client.send("POST", "composite/sobjects/Account", body)
    assert [r and (r["Name"], r["Owner"]["Name"]) for r in reply.body] == [
        None,
        ("Acme", "System Administrator"),
        ("Acme", "System Administrator"),
    ]
    assert "Id" not in reply.body[1]
    assert client.send("GET", "composite/sobjects/Account", ids=account, fields="Id,Name").body[0]["Id"] == account
    assert (
        code(client.send("POST", "composite/sobjects/Account", {"ids": [account], "fields": ["Nope"]}))
        == "INVALID_FIELD"
    )
    assert (
        code(client.send("POST", "composite/sobjects/Account", {"ids": [account] * 2001, "fields": ["Id"]}))
        == "EXCEEDED_ID_LIMIT"
    )


# --- composite


def composite(client: Client, *requests: dict[str, Any], **body: Any) -> Any:
    return client.send("POST", "composite", {"compositeRequest": list(requests), **body})


def sub(method: str, path: str, reference: str, body: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "method": method,
        "url": f"/services/data/v66.0/{path}",
        "referenceId": reference,
        **({"body": body} if body else {}),
        **more,
    }


def test_references_from_one_subrequest_to_the_next(client: Client) -> None:
    reply = composite(
        client,
        sub("POST", "sobjects/Account", "acc", {"Name": "Acme", "NumberOfEmployees": 7}),
        sub("GET", "sobjects/Account/@{acc.id}?fields=NumberOfEmployees", "seen"),
        sub(
            "POST",
            "sobjects/Account",
            "twin",
            {"Name": "Twin of @{acc.id}", "NumberOfEmployees": "@{seen.NumberOfEmployees}"},
        ),
        sub("GET", "query?q=SELECT+Name+FROM+Account+ORDER+BY+Name", "all"),
        sub("POST", "sobjects/Contact", "con", {"LastName": "@{all.records[1].Name}", "AccountId": "@{acc.id}"}),
    )
    answers = {a["referenceId"]: a for a in reply.body["compositeResponse"]}
    assert [a["httpStatusCode"] for a in answers.values()] == [201, 200, 201, 200, 201]
    assert answers["acc"]["httpHeaders"] == {
        "Location": f"/services/data/v66.0/sobjects/Account/{answers['acc']['body']['id']}"
    }
    assert client.org.records("Account")[1]["NumberOfEmployees"] == 7
    assert client.org.records("Contact")[0]["LastName"] == f"Twin of {answers['acc']['body']['id']}"


def test_a_failed_subrequest_costs_the_others_nothing(client: Client) -> None:
    reply = composite(
        client,
        sub("POST", "sobjects/Account", "bad", {"Industry": "x"}),
        sub("POST", "sobjects/Contact", "orphan", {"LastName": "x", "AccountId": "@{bad.id}"}),
        sub("POST", "sobjects/Account", "good", {"Name": "A"}),
    )
    answers = reply.body["compositeResponse"]
    assert reply.status == 200
    assert [a["httpStatusCode"] for a in answers] == [400, 400, 201]
    assert answers[1]["body"] == [
        {"message": "Invalid reference specified. No value for bad.id found in bad", "errorCode": "PROCESSING_HALTED"}
    ]


def test_all_or_none_of_a_composite(client: Client) -> None:
    requests = (
        sub("POST", "sobjects/Account", "a", {"Name": "A"}),
        sub("POST", "sobjects/Account", "b", {"Nope": 1}),
        sub("GET", "limits", "c"),
    )
    answers = composite(client, *requests, allOrNone=True).body["compositeResponse"]
    assert [code(type("R", (), {"body": a["body"]})) for a in answers] == [
        "PROCESSING_HALTED",
        "INVALID_FIELD",
        "PROCESSING_HALTED",
    ]
    assert client.org.query("SELECT COUNT() FROM Account").total == 0


def test_recorded_refusals_inside_a_composite(client: Client) -> None:
    answers = composite(
        client,
        sub("GET", "sobjects/Foo", "one"),
        {"method": "GET", "referenceId": "two", "url": "/services/data/v66.0/query/?q=select count() from XYZZY"},
        sub("GET", "sobjects", "three", httpHeaders={"If-Modified-Since": "Thu, 03 Sep 2026 21:35:07 GMT"}),
    ).body["compositeResponse"]
    assert answers[0]["body"] == [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
    assert answers[1]["body"][0]["message"] == (
        "\nselect count() from XYZZY\n                    ^\nERROR at Row:1:Column:21\n"
        "sObject type 'XYZZY' is not supported. If you are attempting to use a custom object, be sure to append the "
        "'__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
    )
    assert (answers[2]["httpStatusCode"], answers[2]["body"], set(answers[2]["httpHeaders"])) == (
        304,
        None,
        {"ETag", "Last-Modified"},
    )


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [sub("GET", "limits", f"r{n}") for n in range(26)],
        [sub("GET", "query?q=SELECT+Id+FROM+User", f"r{n}") for n in range(6)],
        [sub("GET", "limits", "same"), sub("GET", "limits", "same")],
        [sub("GET", "limits", "not a reference")],
        [{"method": "GET", "referenceId": "a"}],
        [sub("GET", "limits", "a", httpHeaders={"Authorization": "Bearer x"})],
    ],
)
def test_refused_composite(requests: list[dict[str, Any]], client: Client) -> None:
    assert composite(client, *requests).status == 400


def test_no_composite_inside_a_composite(client: Client) -> None:
    inner = sub("POST", "composite", "inner", {"compositeRequest": [sub("GET", "limits", "a")]})
    assert composite(client, inner).body["compositeResponse"][0]["httpStatusCode"] == 404


def test_composite_is_one_call_and_batch_is_many(client: Client) -> None:
    composite(client, *[sub("GET", "limits", f"r{n}") for n in range(25)])
    batch = {"batchRequests": [{"method": "GET", "url": "v66.0/limits"}, {"method": "GET", "url": "v66.0/nonsense"}]}
    reply = client.send("POST", "composite/batch", batch)
    assert reply.body["hasErrors"] is True
    assert [r["statusCode"] for r in reply.body["results"]] == [200, 404]
    assert [e.api_calls for e in client.org.ledger.entries] == [1, 2]
    halted = client.send(
        "POST", "composite/batch", {"haltOnError": True, "batchRequests": batch["batchRequests"][::-1]}
    )
    assert [r["statusCode"] for r in halted.body["results"]] == [404, 412]


def test_the_pull_of_the_product(client: Client, account: str) -> None:
    """Five objects in one call, by stamp, deletes included: what an incremental pull asks."""
    client.org.delete_record("Account", client.org.create_record("Account", {"Name": "Gone"}))
    window = (
        "SystemModstamp%20%3E%3D%202026-09-01T07%3A00%3A00Z%20AND%20SystemModstamp%20%3C%3D%202026-09-01T08%3A00%3A00Z"
    )
    objects = ("Account", "Opportunity", "Task", "Contact", "User")
    requests = [
        sub("GET", f"queryAll?q=SELECT%20Id,SystemModstamp,IsDeleted%20FROM%20{o}%20WHERE%20{window}", o)
        for o in objects[:4]
    ]
    requests.append(sub("GET", f"queryAll?q=SELECT%20Id,SystemModstamp%20FROM%20User%20WHERE%20{window}", "User"))
    answers = composite(client, *requests, allOrNone=False).body["compositeResponse"]
    assert [a["httpStatusCode"] for a in answers] == [200] * 5
    assert [a["body"]["totalSize"] for a in answers] == [2, 0, 0, 0, 2]
    assert {r["IsDeleted"] for r in answers[0]["body"]["records"]} == {True, False}
    assert client.org.ledger.entries[-1].rows_read == 4
    assert len(client.org.ledger.entries[-1].subrequests) == 5


def test_org_has_a_user_of_its_own_for_the_client(org: Org, client: Client) -> None:
    assert client.user_id != org.admin_id
