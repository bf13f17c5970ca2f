"""Two Opportunities with their parents in DuckDB, one with everything and one blank, for formulas pasted from Setup."""

from dataclasses import dataclass, field
from typing import Any

import duckdb
from small_book import Rows

from connector.describe import FieldDescribe, ObjectDescribe
from connector.evaluate.lower import lower
from connector.mapping.language import Position, Scope, parse

FULL, BLANK = "006000000000001AAA", "006000000000002AAA"

_PICKLISTS = {
    "StageName": ("Prospecting", "Negotiation", "Closed Won", "Closed Lost"),
    "Type": ("New Business", "Renewal", "Upsell"),
    "LeadSource": ("Web", "Partner", "Event"),
    "ForecastCategoryName": ("Pipeline", "Best Case", "Commit"),
    "Competitors__c": ("Globex", "Initech", "Umbrella"),
    "Industry": ("Energy", "Retail", "Banking"),
    "Rating": ("Hot", "Warm", "Cold"),
}
_FIELDS = {
    "Opportunity": {
        "Name": ("string", "Acme - Renewal 2026"), "StageName": ("picklist", "Negotiation"),
        "Type": ("picklist", "Renewal"), "LeadSource": ("picklist", "Partner"),
        "ForecastCategoryName": ("picklist", "Best Case"), "Competitors__c": ("multipicklist", "Globex;Initech"),
        "Amount": ("currency", "120000.00"), "Unit_Price__c": ("currency", "250.00"), "Seats__c": ("double", "40"),
        "Score__c": ("double", "7.25"), "Probability": ("percent", "75"), "Discount__c": ("percent", "12.5"),
        "CloseDate": ("date", "2026-09-30"), "Start__c": ("date", "2026-10-01"), "End__c": ("date", "2027-09-30"),
        "LastActivityDate": ("date", "2026-08-25"), "Approved_At__c": ("datetime", "2026-08-30 07:15:00"),
        "CreatedDate": ("datetime", "2026-06-03 14:00:00"), "IsClosed": ("boolean", False), "IsWon": ("boolean", False),
        "NextStep": ("string", "Call CFO"), "Region_Code__c": ("string", "EMEA-DE-042"),
        "Opens_At__c": ("time", "08:30:00.000Z"), "Quarter_Text__c": ("string", "12"),
        "OwnerId": ("reference", "005000000000001AAA"), "AccountId": ("reference", "001000000000001AAA"),
        "RecordTypeId": ("reference", "012000000000001AAA"),
    },
    "Account": {
        "Name": ("string", "Acme & Sons"), "Industry": ("picklist", "Energy"), "Rating": ("picklist", "Hot"),
        "BillingState": ("string", "CA"), "BillingCountry": ("string", "Germany"),
        "Phone": ("phone", "+49 (30) 1234-56"), "Website": ("url", "https://www.acme.example/en"),
        "AnnualRevenue": ("currency", "5000000.00"), "NumberOfEmployees": ("int", 250),
        "OwnerId": ("reference", "005000000000001AAA"),
    },
    "User": {"Name": ("string", "Ana Díaz"), "FirstName": ("string", "Ana"), "Email": ("email", "ana@acme.example"),
             "IsActive": ("boolean", True)},
    "RecordType": {"DeveloperName": ("string", "Renewal_Deal"), "Name": ("string", "Renewal deal")},
}  # fmt: skip
_IDS = {"Opportunity": FULL, "Account": "001000000000001AAA", "User": "005000000000001AAA",
        "RecordType": "012000000000001AAA"}  # fmt: skip
_REFERENCES = {"OwnerId": ("User", "Group"), "AccountId": ("Account",), "RecordTypeId": ("RecordType",)}
_DIGITS = {"currency": (18, 2), "percent": (5, 2), "double": (18, 2)}
_SQL = {"currency": "DECIMAL(18, 2)", "percent": "DECIMAL(5, 2)", "double": "DECIMAL(18, 2)", "int": "BIGINT",
        "date": "DATE", "datetime": "TIMESTAMP", "boolean": "BOOLEAN"}  # fmt: skip


def _described(name: str, kind: str) -> FieldDescribe:
    precision, scale = _DIGITS.get(kind, (0, 0))
    return FieldDescribe(
        name, kind, precision=precision, scale=scale, picklist=_PICKLISTS.get(name, ()),
        reference_to=_REFERENCES.get(name, ()), relationship=name.removesuffix("Id") if kind == "reference" else "",
    )  # fmt: skip


SCOPE = Scope(
    {
        name: ObjectDescribe(
            name, name, {"Id": _described("Id", "id"), **{f: _described(f, kind) for f, (kind, _) in columns.items()}}
        )
        for name, columns in _FIELDS.items()
    },
    subject="Opportunity",
)

_JOINS = """FROM "Opportunity" AS subject
LEFT JOIN "User" AS "subject_OwnerId" ON "subject_OwnerId"."Id" = subject."OwnerId"
LEFT JOIN "RecordType" AS "subject_RecordTypeId" ON "subject_RecordTypeId"."Id" = subject."RecordTypeId"
LEFT JOIN "Account" AS "subject_AccountId" ON "subject_AccountId"."Id" = subject."AccountId"
LEFT JOIN "User" AS "subject_AccountId_OwnerId" ON "subject_AccountId_OwnerId"."Id" = "subject_AccountId"."OwnerId"
"""


def _connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name, columns in _FIELDS.items():
        typed = ", ".join(f'"{column}" {_SQL.get(kind, "VARCHAR")}' for column, (kind, _) in columns.items())
        connection.execute(f'CREATE TABLE "{name}" ("Id" VARCHAR, {typed})')
        values = [_IDS[name], *(value for _, value in columns.values())]
        connection.execute(f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(values))})', values)
    connection.execute(f"""INSERT INTO "Opportunity" ("Id", "IsClosed", "IsWon") VALUES ('{BLANK}', false, false)""")
    return connection


@dataclass
class PastedBook:
    connection: duckdb.DuckDBPyConnection = field(default_factory=_connect)

    def value(self, text: str, record: str) -> Any:
        tree = parse(text, Position.of_text(text, "pasted"), SCOPE).tree
        sql = lower(tree, Rows()).sql("duckdb", identify=True)
        found = self.connection.execute(f"SELECT {sql} {_JOINS} WHERE subject.\"Id\" = '{record}'").fetchall()
        return found[0][0]
