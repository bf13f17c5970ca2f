"""A job's models: where they are found, by whose word they are typed, and whom `only` lets the job touch."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from connector.data import PullResult
from connector.describe import FieldDescribe, ObjectDescribe
from connector.errors import FileProblems, FixFirst
from connector.jobs import Job, load_job
from connector.mapping import load_mapping
from connector.mapping.standard import standard_describes
from connector.models import (
    all_sources,
    calendar_of,
    describes_for,
    draft_models,
    find_sources,
    offline_describes,
    only_of,
    save_describes,
    today_of,
)
from connector.settings import MappingsSettings, Settings
from connector.store.mirror import Mirror

ROOT = Path(__file__).parents[3]
POST_SALE = ROOT / "mappings" / "post_sale"
SETTINGS = Settings(mappings=MappingsSettings(directory=ROOT / "mappings"))
TINY = """\
format: 1
model: tiny
label: Tiny
facts:
  seats: Seats__c
stages:
  - key: one
    label: One
    enter_when: seats > 0
order: [one]
write:
  stage: Stage__c
  state: State__c
"""
ACCOUNT = {
    "name": "Account", "label": "Account", "fields": [
        {"name": "Id", "type": "id"}, {"name": "Name", "type": "string", "length": 255, "nillable": False},
        {"name": "OwnerId", "type": "reference", "referenceTo": ["User"], "relationshipName": "Owner"},
        {"name": "IsDeleted", "type": "boolean"}, {"name": "SystemModstamp", "type": "datetime"},
        {"name": "Seats__c", "type": "double", "precision": 18, "scale": 0, "label": "Seats", "createable": False},
    ],
}  # fmt: skip
AS_OF = datetime(2026, 9, 1, 22, 30, tzinfo=UTC)


def tiny(folder: Path) -> Settings:
    (folder / "tiny.yaml").write_text(TINY)
    return Settings(mappings=MappingsSettings(directory=folder))


def job(only: str | None = None, mapping: str = "post_sale") -> Job:
    return Job(job="j", mappings=(mapping,), only=only)


def test_a_mapping_is_a_file_or_a_folder(tmp_path: Path) -> None:
    settings = tiny(tmp_path)
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "model.yaml").write_text(TINY)
    (tmp_path / "notes.txt").write_text("nothing")
    assert find_sources(settings, ["tiny", "big"]) == [tmp_path / "tiny.yaml", tmp_path / "big"]
    assert all_sources(tmp_path) == [tmp_path / "big", tmp_path / "tiny.yaml"]


def test_a_missing_mapping_names_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(FixFirst, match=r"no mapping 'post_sales'.*there are: tiny"):
        find_sources(tiny(tmp_path), ["post_sales"])
    with pytest.raises(FixFirst, match="There is no directory"):
        all_sources(tmp_path / "nowhere")


def test_what_the_org_says_of_a_field_wins_and_what_it_hides_stays_known() -> None:
    org = {"Account": ObjectDescribe("Account", "Account", {"Name": FieldDescribe("Name", "string", length=80)})}
    found = describes_for(POST_SALE, org)
    assert found is not None
    assert found["Account"].fields["Name"].length == 80
    assert found["Account"].fields["AnnualRevenue"] == standard_describes()["Account"].fields["AnnualRevenue"]
    assert found["Contract"] == standard_describes()["Contract"]
    assert describes_for(POST_SALE, {}) is None


def test_an_org_is_asked_once_for_what_the_files_do_not_explain(tmp_path: Path) -> None:
    settings, asked = tiny(tmp_path), []
    with Mirror.open(":memory:") as mirror:

        def ask(names: object) -> None:
            asked.append(set(names))  # type: ignore[call-overload]
            mirror.save_describe(ACCOUNT, AS_OF)

        (model,) = draft_models(job(mapping="tiny"), settings, mirror, ask)
        assert "Seats__c" in model.needs.fields["Account"]
        draft_models(job(mapping="tiny"), settings, mirror, ask)
    assert asked == [{"Account"}], "the subject is asked for although the file does not name it"


def test_a_field_that_nobody_knows_is_a_problem_with_its_place(tmp_path: Path) -> None:
    settings = tiny(tmp_path)
    with Mirror.open(":memory:") as mirror, pytest.raises(FileProblems, match=r"tiny.yaml:5:10: .*Seats__c"):
        draft_models(job(mapping="tiny"), settings, mirror, lambda _: None)


def test_only_speaks_of_facts_and_fields_and_adds_to_what_is_pulled() -> None:
    model = load_mapping(POST_SALE)
    found = only_of(
        job("won_12m > 1000 and Owner.IsActive and BillingCountry = 'DE'"), model, offline_describes(POST_SALE)
    )
    assert found is not None
    assert found.facts == {"won_12m"}
    assert found.fields["Account"] >= {"BillingCountry"}


@pytest.mark.parametrize(
    ("only", "said"),
    [
        pytest.param("won_12 > 1000", "did you mean 'won_12m'", id="misspelt fact"),
        pytest.param("won_12m", "condition", id="no condition"),
        pytest.param("stage = 'renewal'", "stage", id="the stage: whom a job touches does not depend on it"),
    ],
)
def test_a_wrong_only_is_named_where_it_stands(tmp_path: Path, only: str, said: str) -> None:
    path = tmp_path / "j.toml"
    path.write_text(f'job = "j"\nmappings = ["post_sale"]\nonly = "{only}"\n')
    with pytest.raises(FileProblems) as found:
        only_of(load_job(path), load_mapping(POST_SALE), offline_describes(POST_SALE))
    problem = found.value.problems[0]
    assert (problem.file, problem.line) == (str(path), 3)
    assert problem.column >= 9
    assert said in problem.message


def test_only_news_is_kept_beside_a_mapping(tmp_path: Path) -> None:
    path = save_describes(tmp_path, [ACCOUNT])
    (kept,) = json.loads(path.read_text())
    assert "Seats__c" in [f["name"] for f in kept["fields"]]
    (tmp_path / "model.yaml").write_text(TINY)
    assert load_mapping(tmp_path).needs.fields["Account"] >= {"Seats__c"}
    found = offline_describes(tmp_path)["Account"].fields["Seats__c"]
    assert (found.type, found.createable, found.nillable) == ("double", False, True)
    save_describes(tmp_path, [{"name": "Case", "fields": []}])
    assert [body["name"] for body in json.loads(path.read_text())] == ["Account", "Case"]


def test_today_is_the_day_in_the_models_zone() -> None:
    pulled = PullResult(AS_OF, "00D", "Europe/Berlin", {})
    model = load_mapping(POST_SALE).model
    assert today_of(model, pulled) == date(2026, 9, 2)
    assert today_of(model.model_copy(update={"zone": "America/New_York"}), pulled) == date(2026, 9, 1)


def test_holidays_come_from_the_org_or_by_country() -> None:
    pulled = PullResult(AS_OF, "00D", "UTC", {})
    model = load_mapping(POST_SALE).model
    with Mirror.open(":memory:") as mirror:
        assert calendar_of(model, pulled, mirror).is_business_day(date(2026, 12, 25))
        holiday = standard_describes()["Holiday"]
        mirror.ensure(holiday, ["ActivityDate", "IsAllDay", "IsRecurrence"])
        row = ("0C0000000000001AAA", "2026-10-07", True, False)
        mirror.store("Holiday", ["Id", "ActivityDate", "IsAllDay", "IsRecurrence"], [row], AS_OF, replace=True)
        assert not calendar_of(model, pulled, mirror).is_business_day(date(2026, 10, 7))
    german = model.model_copy(update={"calendar": "DE"})
    assert not calendar_of(german, replace(pulled), mirror).is_business_day(date(2026, 12, 25))
