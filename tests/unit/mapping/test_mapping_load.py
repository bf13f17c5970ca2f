"""Loading: files and folders, overrides, digest, and everything that is wrong at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_mapping import MODEL, loaded, problems, write

from connector.describe import nearest
from connector.errors import FileProblems
from connector.mapping import judge_mapping, load_mapping
from connector.mapping.standard import standard_describes

EXAMPLE = Path(__file__).parent / "data" / "example"
SHIPPED = Path(__file__).parents[3] / "mappings"


@pytest.mark.parametrize("source", [EXAMPLE, SHIPPED / "post_sale"], ids=["the design's example", "post_sale"])
def test_mappings_that_we_show_are_right(source: Path) -> None:
    judged = judge_mapping(source)
    assert judged.problems == ()
    assert judged.mapping is not None


def test_a_misspelt_field_a_type_error_an_unreachable_stage_and_a_slip_of_yaml_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        ("sum(Opportunity.Amount where IsWon)", "sum(Opportunity.Amuont where IsWon)"),
        ("enter_when: age >= 30", "enter_when: first_won >= 30"),
        ("    next: [gone]\n", "    next: [fresh]\n"),
        ("open_when: stage = 'fresh'", "open_when: 'fresh' = stage"),
    )
    with pytest.raises(FileProblems) as caught:
        load_mapping(path)
    found = {(p.line, p.column): p.message for p in caught.value.problems}
    assert [p.line for p in caught.value.problems] == [15, 25, 27, 39]
    assert "did you mean 'Amount'" in found[15, 28]
    assert "a date cannot be compared with a number" in found[25, 27]
    assert "unreachable" in found[27, 10]
    assert "reachable_from_all" in found[27, 10]
    assert "quote this expression" in found[39, 16]
    assert all(p.source and p.file.endswith("small.yaml") for p in caught.value.problems)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("label: Small", "lable: Small", 3, "did you mean 'label'"),
        ("format: 1", "format: 2", 1, "allowed: 1"),
        ("    type: lifecycle\n", "    type: lifecicle\n", 38, "did you mean 'lifecycle'"),
        ("patience: 90 days", "patience: [1]", 6, "params.patience"),
        ("    kind: terminal\n", "    kind: final\n", 29, "success, risk, inventory, terminal"),
        ("    enter_when: won = 0\n", "", 27, "stage 'gone' has no 'enter_when'"),
        ("key: settled", "key: Settled One", 23, "only lower-case letters"),
        ("currency(16, 2)", "currency(20, 2)", 16, "at most 18 digits"),
        ("order: [gone, settled, fresh]", "order: gone", 32, "a list is wanted here"),
        ("after: [one]", "min_dwell: 2", 47, "unknown key"),
        ("won_types: [New Customer]", "won_types: [New Customer]\nhistory: X__c", 9, "not available yet"),
    ],
)
def test_what_has_not_the_shape_of_a_mapping(tmp_path: Path, old: str, new: str, line: int, told: str) -> None:
    found = problems(tmp_path, (old, new))
    matching = [p for p in found if told in p.message]
    assert matching, found
    assert matching[0].line == line


def test_one_mistake_in_the_shape_does_not_bring_others_along(tmp_path: Path) -> None:
    assert len(problems(tmp_path, ("    kind: terminal\n", "    kind: final\n"))) == 1
    assert len(problems(tmp_path, ("label: Small", "lable: Small"))) == 1
    assert len(problems(tmp_path, ("won: count(", "won: cuont("))) == 1
    assert len(problems(tmp_path, ("scope: won > 0", "scope: won > 0\nsubject: Acount"))) == 1
    facts = MODEL.partition("facts:\n")[2].partition("stages:\n")[0]
    assert len(problems(tmp_path, (facts, "  - won\n"))) == 1


def test_a_misspelt_key_is_read_as_meant_and_its_expression_still_checked(tmp_path: Path) -> None:
    found = problems(tmp_path, ("    enter_when: won = 0", "    enter_wen: won = 'x'"))
    assert [(p.line, p.column) for p in found] == [(30, 5), (30, 20)]


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "just text\n", "42\n"])
def test_a_file_that_is_no_mapping(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(text)
    assert judge_mapping(path).problems
    assert judge_mapping(path).mapping is None


def test_an_empty_folder_says_what_a_mapping_is(tmp_path: Path) -> None:
    (problem,) = judge_mapping(tmp_path).problems
    assert "model.yaml" in problem.message


def as_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    (folder / "examples").mkdir(parents=True)
    head, _, created = MODEL.partition("ctas:\n")
    (folder / "model.yaml").write_text(head)
    (folder / "ctas.yaml").write_text("ctas:\n" + created)
    (folder / "more.yaml").write_text(
        "ctas:\n  - {key: bye, type: risk, open_when: stage = gone, subject: Bye}\n"
        "facts:\n  lost: count(Opportunity where not IsWon)\n"
    )
    return folder


def test_a_folder_is_read_as_one_file_and_places_stay_right(tmp_path: Path) -> None:
    (problem,) = judge_mapping(as_folder(tmp_path)).problems
    assert problem.file.endswith("more.yaml")
    assert (problem.line, "gone" in problem.message) == (2, True)


def test_lists_and_names_of_several_files_are_joined(tmp_path: Path) -> None:
    folder = as_folder(tmp_path)
    text = (folder / "more.yaml").read_text().replace("stage = gone", "stage = 'gone'").replace("{key", '{"key"')
    (folder / "more.yaml").write_text(text.replace("stage = 'gone'", "\"stage = 'gone'\""))
    mapping = load_mapping(folder)
    assert [cta.key for cta in mapping.model.ctas] == ["hello", "bye"]
    assert "lost" in mapping.model.facts


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("label: Again\n", "already given in"),
        ("facts:\n  won: count(Case)\n", "already given in"),
        ("- x\n", "keys are wanted"),
    ],
)
def test_what_two_files_may_not_both_say(tmp_path: Path, text: str, told: str) -> None:
    folder = as_folder(tmp_path)
    (folder / "more.yaml").write_text(text)
    (problem,) = judge_mapping(folder).problems
    assert told in problem.message
    assert problem.file.endswith("more.yaml")


def test_the_digest_changes_with_the_files_and_the_overrides_only(tmp_path: Path) -> None:
    first = loaded(tmp_path).digest
    path = write(tmp_path)
    assert load_mapping(path).digest == first
    assert load_mapping(path, overrides={"other": {"lists": {"x": ["y"]}}}).digest == first
    assert load_mapping(path, overrides={"small": {"lists": {"won_types": ["Renewal"]}}}).digest != first
    assert loaded(tmp_path, ("label: Small", "label: Other")).digest != first


def test_overrides_replace_what_differs_between_orgs(tmp_path: Path) -> None:
    overrides = {"small": {"params": {"patience": "10 days"}, "ctas": {"hello": {"owner": ["queue:Triage"]}}}}
    model = load_mapping(write(tmp_path), overrides=overrides).model
    assert str(model.params["patience"]) == "10 days"
    assert model.ctas[0].owner == ("queue:Triage",)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("701000000000002", "701000000000002AAA"),
        ({"campaign": "701000000000002"}, "701000000000002AAA"),
        ({"Name": "Hello"}, "Name = 'Hello'"),
        ({"campaign": {"Name": "Hello"}}, "Name = 'Hello'"),
    ],
)
def test_a_campaign_may_be_another_in_each_org(value: object, read: str) -> None:
    overrides = {"post_sale": {"campaigns": {"welcome": value}}}
    assert str(load_mapping(EXAMPLE, overrides=overrides).model.campaigns[0].campaign) == read


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ({"stages": {"fresh": {"enter_when": "true"}}}, "may not be overridden; allowed: zone"),
        ({"ctas": {"helo": {"owner": []}}}, "did you mean 'hello'"),
        ({"campaigns": {"welcome": {"campaign": "701000000000001"}}}, "no 'campaigns'"),
    ],
)
def test_overrides_that_fit_nowhere_are_refused(tmp_path: Path, overrides: dict[str, object], told: str) -> None:
    found = judge_mapping(write(tmp_path), overrides={"small": overrides}).problems
    assert any(told in p.message and p.file == "config.toml" for p in found)


def test_values_of_picklists_are_judged_hard_only_by_the_orgs_own_describe(tmp_path: Path) -> None:
    change = ("sum(Opportunity.Amount where IsWon)", "sum(Opportunity.Amount where Type = 'Renewel')")
    offline = judge_mapping(write(tmp_path, change)).problems
    online = judge_mapping(write(tmp_path, change), standard_describes()).problems
    assert [p.severity for p in offline] == ["warning"]
    assert [p.severity for p in online] == ["error"]


def test_every_unknown_key_suggests_the_nearest() -> None:
    assert nearest("enter_wen", ["enter_when", "leave_when"]) == "enter_when"
