"""The browser window: shows what the org holds, escapes everything, changes nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from connector.localorg.clock import Clock
from connector.localorg.org import Org
from connector.localorg.pages import handle
from connector.localorg.pages.show import health_tone, safe_link, show_value, stage_tone
from connector.localorg.seeds import load_seed
from connector.localorg.seeds.words import HOSTILE_NAMES

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
STAGE = {
    "sobject": "Account",
    "name": "Lifecycle_Stage__c",
    "label": "Lifecycle Stage",
    "type": "picklist",
    "length": 255,
    "inlineHelpText": 'Where the <customer> "is"',
    "picklistValues": [
        {"value": "will_churn", "label": "Will churn", "active": True, "defaultValue": False},
        {"value": "adopting", "label": "Adopting", "active": True, "defaultValue": False},
    ],
}
STATE = {
    "sobject": "Account",
    "name": "Lifecycle_State__c",
    "label": "Lifecycle State",
    "type": "textarea",
    "length": 2000,
}


@pytest.fixture(scope="module")
def org() -> Org:
    org = Org.create(clock=Clock(NOW), seed=1)
    load_seed(org, "hostile")
    org.define_fields([STAGE, STATE])
    return org


@pytest.fixture(scope="module")
def book() -> bytes:
    org = Org.create(clock=Clock(NOW), seed=1)
    load_seed(org, "demo", size=160)
    return org.snapshot()


@pytest.fixture
def demo(book: bytes) -> Org:
    return Org.restore(book, clock=Clock(NOW))


def answer(org: Org, path: str, method: str = "GET") -> Response | None:
    return handle(
        org,
        Request(
            EnvironBuilder(path=path.split("?")[0], query_string=path.partition("?")[2], method=method).get_environ()
        ),
    )


def body(org: Org, path: str) -> str:
    response = answer(org, path)
    assert response is not None
    return response.get_data(as_text=True)


class Tags(HTMLParser):
    """The elements that a browser would build from a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.hrefs: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.hrefs += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def account(org: Org, name: str) -> dict[str, Any]:
    return org.records("Account", {"Name": name[:255]})[0]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_account_is_text_and_never_markup(org: Org, name: str) -> None:
    page = Tags(body(org, f"/accounts/{account(org, name)['Id']}"))
    assert not page.names & {"script", "i", "img", "iframe", "style"}
    assert " ".join(name[:255].split()) in " ".join(page.text.split())


def test_the_list_escapes_every_name(org: Org) -> None:
    page = Tags(body(org, "/"))
    assert "script" not in page.names
    assert "<script>alert('crm')</script>" in page.text


def test_a_search_is_shown_back_as_text(org: Org) -> None:
    page = body(org, "/?q=" + quote('"><script>alert(1)</script>'))
    assert "<script>" not in page
    assert "No account matches" in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("o'malley", {'O\'Malley & Sons, "The Best" Ltd.'}),
        ("HO-00003", {HOSTILE_NAMES[3]}),
        ("İSTANBUL", {"İstanbul Şirketi"}),
        ("nobody", set()),
    ],
    ids=["part of a name, any case", "account number", "letters that fold oddly", "nothing"],
)
def test_search_finds_by_name_or_number(org: Org, query: str, expected: set[str]) -> None:
    text = Tags(body(org, f"/?q={quote(query)}")).text
    assert {name for name in HOSTILE_NAMES if name in text} >= expected
    assert (len(expected) == 0) == ("No account matches" in text)


def test_stages_are_counted_and_filter_the_list(org: Org) -> None:
    chosen = account(org, HOSTILE_NAMES[0])
    org.update_record("Account", chosen["Id"], {"Lifecycle_Stage__c": "will_churn"})
    page = body(org, "/?stage=will_churn")
    assert "1-1 of 1" in page
    assert "Will churn <b>1</b>" in page
    org.update_record("Account", chosen["Id"], {"Lifecycle_Stage__c": None})


def test_lifecycle_section_shows_label_value_and_help(org: Org) -> None:
    chosen = account(org, HOSTILE_NAMES[1])
    state = '{"stage":"adopting"}'
    org.update_record("Account", chosen["Id"], {"Lifecycle_Stage__c": "adopting", "Lifecycle_State__c": state})
    page = body(org, f"/accounts/{chosen['Id']}")
    lifecycle = page.split('id="lifecycle"')[1].split("</section>")[0]
    assert "Lifecycle Stage" in lifecycle
    assert "Adopting" in lifecycle
    assert "Where the &lt;customer&gt; &#34;is&#34;" in lifecycle
    assert "{&#34;stage&#34;:&#34;adopting&#34;}" in lifecycle.split("<details>")[1]


def test_lifecycle_fields_stand_as_an_admin_would_put_them(demo: Org) -> None:
    texts = ["Lifecycle_Override__c", "Won__c", "Lifecycle_Stage_Reason__c", "Silence__c", "Health__c"]
    demo.define_fields([{"sobject": "Account", "name": n, "label": n, "type": "string", "length": 99} for n in texts])
    demo.define_fields([STAGE])
    page = body(demo, f"/accounts/{demo.records('Account')[0]['Id']}")
    expected = [
        "Lifecycle Stage",
        "Health__c",
        "Lifecycle_Stage_Reason__c",
        "Won__c",
        "Silence__c",
        "Lifecycle_Override__c",
    ]
    found = sorted(expected, key=lambda label: page.index(f"<dt>{label}</dt>"))
    assert found == expected


def test_related_lists_show_what_belongs_to_the_account(demo: Org) -> None:
    deal = demo.records("Opportunity", {"Type": "Renewal"})[0]
    text = Tags(body(demo, f"/accounts/{deal['AccountId']}")).text
    for title in (
        "Open Tasks",
        "Opportunities",
        "Contracts",
        "Campaign memberships",
        "Contacts",
        "Closed Tasks",
        "Events",
    ):
        assert title in text
    assert " ".join(deal["Name"].split()) in " ".join(text.split())
    (contact, *_) = demo.records("Contact", {"AccountId": deal["AccountId"]})
    assert contact["Name"] in text


def test_pages_turn_without_losing_or_repeating_an_account(demo: Org) -> None:
    pages = [[h for h in Tags(body(demo, f"/?page={n}")).hrefs if h.startswith("/accounts/")] for n in (1, 2, 3, 4)]
    assert [len(p) for p in pages] == [50, 50, 50, 10]
    assert len({href for page in pages for href in page}) == 160


@pytest.mark.parametrize("page", ["0", "-1", "9999", "abc", "١", ""])
def test_an_odd_page_number_still_shows_a_page(demo: Org, page: str) -> None:
    assert Tags(body(demo, f"/?page={quote(page)}")).hrefs


@pytest.mark.parametrize(("order", "first"), [("name", "min"), ("won", "most")], ids=["by name", "largest money first"])
def test_orders(demo: Org, order: str, first: str) -> None:
    accounts = {a["Id"]: a["Name"] for a in demo.records("Account")}
    won: dict[str, Decimal] = {}
    for deal in demo.records("Opportunity", {"IsWon": True}):
        if deal["CloseDate"] > date(2025, 9, 1):
            won[deal["AccountId"]] = won.get(deal["AccountId"], Decimal(0)) + Decimal(deal["Amount"])
    best = max(won.values())
    expected = (
        {min(accounts, key=lambda i: accounts[i].casefold())} if first == "min" else {i for i in won if won[i] == best}
    )
    shown = next(h for h in Tags(body(demo, f"/?order={order}")).hrefs if h.startswith("/accounts/"))
    assert shown.removeprefix("/accounts/") in expected


@pytest.mark.parametrize("path", ["/accounts/001000000000000AAA", "/accounts/001000000000000"])
def test_an_unknown_account_is_a_friendly_404(org: Org, path: str) -> None:
    response = answer(org, path)
    assert response is not None
    assert response.status_code == 404
    assert "No such account" in response.get_data(as_text=True)


def test_fifteen_characters_of_an_id_are_enough(org: Org) -> None:
    chosen = account(org, HOSTILE_NAMES[0])
    response = answer(org, f"/accounts/{chosen['Id'][:15]}")
    assert response is not None
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("GET", "/services/data"),
        ("GET", "/accounts/x"),
        ("GET", "/accounts/../window.css"),
        ("GET", "/other"),
    ],
)
def test_other_requests_are_left_to_the_server(org: Org, method: str, path: str) -> None:
    assert answer(org, path, method) is None


def test_a_page_allows_neither_scripts_nor_strangers(org: Org) -> None:
    response = answer(org, "/")
    assert response is not None
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_the_stylesheet_is_served(org: Org) -> None:
    response = answer(org, "/window.css")
    assert response is not None
    assert response.mimetype == "text/css"


@pytest.mark.parametrize(
    ("value", "kind", "scale", "expected"),
    [
        (None, "string", 0, ""),
        (Decimal("1234567.50"), "currency", 2, "1,234,567.50"),
        (Decimal(12), "double", 2, "12"),
        (Decimal("12.5"), "percent", 1, "12.5 %"),
        (True, "boolean", 0, "Yes"),
        (0, "boolean", 0, "No"),
        (date(2026, 9, 1), "date", 0, "2026-09-01"),
        (datetime(2026, 9, 1, 8, 5, tzinfo=UTC), "datetime", 0, "2026-09-01 08:05"),
    ],
)
def test_values_are_shown_as_people_read_them(value: Any, kind: str, scale: int, expected: str) -> None:
    assert show_value(value, {"type": kind, "scale": scale, "picklistValues": []}) == expected


@pytest.mark.parametrize(
    ("stage", "tone"),
    [
        ("churned", "bad"),
        ("will_churn", "warn"),
        ("Renewal", "warn"),
        ("adopting", "good"),
        ("onboarding", "info"),
        ("x", "plain"),
    ],
)
def test_stages_have_colours(stage: str, tone: str) -> None:
    assert stage_tone(stage) == tone


def test_health_has_colours_and_unknown_bands_none() -> None:
    assert [health_tone(v) for v in ("green", "Yellow", "red", "purple", None)] == [
        "good",
        "warn",
        "bad",
        "plain",
        "plain",
    ]


@pytest.mark.parametrize(
    ("value", "link"), [("https://a.example", "https://a.example"), ("javascript:alert(1)", ""), (None, "")]
)
def test_only_web_addresses_become_links(value: str | None, link: str) -> None:
    assert safe_link(value) == link
