from datetime import UTC, date, datetime
from decimal import Decimal

from connector.describe import FieldDescribe, ObjectDescribe
from connector.store.mirror import Mirror

ACCOUNT = ObjectDescribe(
    "Account",
    "Account",
    {
        f.name: f
        for f in (
            FieldDescribe("Id", "id"),
            FieldDescribe("SystemModstamp", "datetime"),
            FieldDescribe("IsDeleted", "boolean"),
            FieldDescribe("Name", "string"),
            FieldDescribe("AnnualRevenue", "currency", scale=2),
            FieldDescribe("NumberOfEmployees", "int"),
            FieldDescribe("SLAExpirationDate__c", "date"),
        )
    },
)
T = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
F = ("Id", "SystemModstamp", "IsDeleted", "Name", "AnnualRevenue", "NumberOfEmployees", "SLAExpirationDate__c")


def test_values_come_back_as_stored():
    with Mirror.open(":memory:") as m:
        assert m.ensure(ACCOUNT, F)
        assert not m.ensure(ACCOUNT, F)
        assert (
            m.store(
                "Account",
                F,
                [
                    ("001", T, False, 'a "b",\r\nc', Decimal("409.93"), 5, date(2026, 1, 2)),
                    ("002", "2026-01-31T23:59:59.000+0000", True, "", None, None, None),
                ],
                T,
                replace=False,
            )
            == 2
        )
        assert m.cursor("Account") == T
        got = m.connection.execute('SELECT * FROM org."Account" ORDER BY "Id"').fetchall()
        print(got)
