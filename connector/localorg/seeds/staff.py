"""The people who work in the org: roles, users, a triage queue. Called by the demo seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.localorg.seeds.book import Book, Ref, stamps
from connector.localorg.seeds.words import mail_domain

TIME_ZONE = "Europe/London"
_DOMAIN = mail_domain("Northstar Software")

CSM_NAMES = ("Maya Lindqvist", "Tom Okafor", "Julia Bakker", "Ken Ito", "Sofia Rossi", "Ben Weber", "Aisha Haddad")
AE_NAMES = ("Nina Castillo", "Paul Dubois", "Grace Nguyen", "Erik Jansen")
LEFT_THE_COMPANY = "Dana O'Neil"


@dataclass(frozen=True, slots=True)
class Staff:
    """References to the users, by what they do."""

    csms: tuple[Ref, ...]
    sellers: tuple[Ref, ...]
    left: Ref
    marketing: Ref
    triage_queue: Ref


def hire_staff(book: Book, profile_id: str, hired: datetime) -> Staff:
    """Write roles, a dozen customer-success managers and account executives with their managers, and a queue."""
    head = _role(book, "Chief Customer Officer", None)
    success, sales = _role(book, "Customer Success", head), _role(book, "Sales", head)
    chief = _user(book, "Ingrid Solberg", "Chief Customer Officer", profile_id, hired, UserRoleId=head)
    csm_lead = _user(
        book, "Rafael Silva", "Director Customer Success", profile_id, hired, UserRoleId=success, ManagerId=chief
    )
    sales_lead = _user(book, "Hannah Fischer", "Director Sales", profile_id, hired, UserRoleId=sales, ManagerId=chief)
    in_success: dict[str, Any] = {"UserRoleId": success, "ManagerId": csm_lead}
    in_sales: dict[str, Any] = {"UserRoleId": sales, "ManagerId": sales_lead}
    csms = tuple(_user(book, name, "Customer Success Manager", profile_id, hired, **in_success) for name in CSM_NAMES)
    return Staff(
        csms=csms,
        sellers=tuple(_user(book, name, "Account Executive", profile_id, hired, **in_sales) for name in AE_NAMES),
        left=_user(book, LEFT_THE_COMPANY, "Customer Success Manager", profile_id, hired, IsActive=False, **in_success),
        marketing=_user(
            book,
            "Leo Marchetti",
            "Marketing Manager",
            profile_id,
            hired,
            ManagerId=chief,
            UserPermissionsMarketingUser=True,
        ),
        triage_queue=_queue(book, csms[:2], hired),
    )


def _role(book: Book, name: str, parent: Ref | None) -> Ref:
    return book.add("UserRole", Name=name, DeveloperName=name.replace(" ", "_"), ParentRoleId=parent)


def _user(book: Book, name: str, title: str, profile_id: str, hired: datetime, **more: Any) -> Ref:
    first, last = name.split(" ", 1)
    mail = f"{first}.{last}".lower().replace("'", "").replace(" ", "") + f"@{_DOMAIN}"
    fields = {
        "FirstName": first,
        "LastName": last,
        "Name": name,
        "Title": title,
        "Username": mail,
        "Email": mail,
        "Alias": (first[0] + last.replace("'", ""))[:8].lower(),
        "CommunityNickname": mail.split("@")[0],
        "IsActive": True,
        "UserType": "Standard",
        "ProfileId": profile_id,
        "TimeZoneSidKey": TIME_ZONE,
        "LocaleSidKey": "en_GB",
        "LanguageLocaleKey": "en_US",
        "EmailEncodingKey": "UTF-8",
        "DigestFrequency": "D",
        "DefaultGroupNotificationFrequency": "N",
    }
    return book.add("User", **{**fields, **more, **stamps(hired, hired + timedelta(days=1))})


def _queue(book: Book, members: tuple[Ref, ...], created: datetime) -> Ref:
    queue = book.add("Group", Name="CS Triage", DeveloperName="CS_Triage", Type="Queue", **stamps(created))
    book.add("QueueSobject", QueueId=queue, SobjectType="Task")
    for member in members:
        book.add("GroupMember", GroupId=queue, UserOrGroupId=member)
    return queue
