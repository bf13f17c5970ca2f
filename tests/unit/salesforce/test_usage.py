"""What calls are counted as, and what the org says of its allowances."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from connector.salesforce.usage import (
    Allowance,
    LimitInfo,
    Meter,
    kind_of,
    only_sobject,
    read_limit_info,
    sobject_of,
    spent_on,
)

ORG, APP = Allowance(25, 5000), Allowance(17, 250, "sample")
HEADERS = {
    "plain": ("api-usage=18/5000", LimitInfo(Allowance(18, 5000))),
    "with an app": ("api-usage=25/5000; per-app-api-usage=17/250(appName=sample)", LimitInfo(ORG, APP)),
    "app first": ("per-app-api-usage=17/250(appName=sample); api-usage=25/5000", LimitInfo(ORG, APP)),
    "app only": ("per-app-api-usage=17/250(appName=sample)", LimitInfo(None, APP)),
    "app without a name": ("api-usage=25/5000;per-app-api-usage=17/250", LimitInfo(ORG, Allowance(17, 250))),
    "other case and blanks": (
        "API-Usage = 25 / 5000 ;Per-App-API-Usage=17/250 ( appname=sample )",
        LimitInfo(ORG, APP),
    ),
    "two headers joined by a comma": (
        "api-usage=25/5000, per-app-api-usage=17/250(appName=sample)",
        LimitInfo(ORG, APP),
    ),
    "an app called like a limit": (
        "per-app-api-usage=17/250(appName=my api-usage=1/2); api-usage=25/5000",
        LimitInfo(ORG, Allowance(17, 250, "my api-usage=1/2")),
    ),
    "a limit of another name": ("bulk-api-usage=1/2", LimitInfo()),
    "something else": ("weather=fine", LimitInfo()),
    "nothing": ("", LimitInfo()),
}


@pytest.mark.parametrize(("header", "expected"), HEADERS.values(), ids=HEADERS.keys())
def test_limit_info(header: str, expected: LimitInfo) -> None:
    assert read_limit_info(header) == expected


def test_what_an_answer_does_not_mention_stays_as_it_was() -> None:
    meter = Meter()
    for header in ("api-usage=1/10; per-app-api-usage=1/5(appName=x)", None, "api-usage=2/10", ""):
        meter.read(header)
    assert (meter.usage.org, meter.usage.app) == (Allowance(2, 10), Allowance(1, 5, "x"))


KINDS = {
    "composite": ("POST", "composite", "composite", ""),
    "create": ("POST", "composite/sobjects", "create", ""),
    "update": ("PATCH", "composite/sobjects", "update", ""),
    "retrieve": ("POST", "composite/sobjects/Account", "retrieve", "Account"),
    "query": ("GET", "query?q=SELECT+Id+FROM+Task", "query", "Task"),
    "page": ("GET", "query/0r8-2000", "query", ""),
    "all": ("GET", "queryAll?q=SELECT%20Id%20FROM%20My__c", "query", "My__c"),
    "with children": ("GET", "query?q=SELECT+(SELECT+Id+FROM+Contacts)+FROM+Account", "query", "Account"),
    "describe": ("GET", "sobjects/Account/describe", "describe", "Account"),
    "bulk": ("GET", "jobs/query/750xx/results?maxRecords=5", "bulk", ""),
    "ingest": ("PUT", "jobs/ingest/750xx/batches", "bulk", ""),
    "limits": ("GET", "limits", "other", ""),
}


@pytest.mark.parametrize(("method", "path", "kind", "sobject"), KINDS.values(), ids=KINDS.keys())
def test_calls_are_counted_by_kind_and_sobject(method: str, path: str, kind: str, sobject: str) -> None:
    url = f"https://acme.my.salesforce.com/services/data/v66.0/{path}"
    assert (kind_of(method, url), sobject_of(url)) == (kind, sobject)


def test_calls_are_told_by_step_kind_and_sobject() -> None:
    meter = Meter(step="pull")
    meter.count("POST", "/composite")
    with spent_on("Task"):
        meter.count("GET", "/jobs/query/750/results")
        meter.count("GET", "/query/0r8-2000")
    meter.step = "apply"
    meter.count("POST", "/composite/sobjects/Task")
    usage = meter.usage
    assert usage.by_step == {"pull": {"composite": 1, "bulk": 1, "query": 1}, "apply": {"retrieve": 1}}
    assert usage.by_sobject == {"": 1, "Task": 3}
    assert usage.calls == {"composite": 1, "bulk": 1, "query": 1, "retrieve": 1}
    assert usage.total == 4


def test_who_does_not_know_the_sobject_leaves_it_to_who_does() -> None:
    meter = Meter()
    with spent_on("Task"), spent_on(""):
        meter.count("POST", "/composite")
    assert meter.usage.by_sobject == {"Task": 1}


TOGETHER = {
    "one object": (["queryAll?q=SELECT%20Id%20FROM%20Task", "sobjects/Task/describe"], "Task"),
    "several": (["queryAll?q=SELECT%20Id%20FROM%20Task", "sobjects/Event/describe"], ""),
    "none": ([], ""),
}


@pytest.mark.parametrize(("urls", "sobject"), TOGETHER.values(), ids=TOGETHER.keys())
def test_a_composite_call_is_for_the_object_that_all_of_it_is_about(urls: list[str], sobject: str) -> None:
    assert only_sobject(urls) == sobject


def test_threads_that_read_different_objects_do_not_mix_them_up() -> None:
    meter = Meter()

    def read(sobject: str) -> None:
        with spent_on(sobject):
            for _ in range(200):
                meter.count("GET", "/query/0r8-2000")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, ["Task", "Event", "Account", "Contact"]))
    assert set(meter.usage.by_sobject.values()) == {200}
