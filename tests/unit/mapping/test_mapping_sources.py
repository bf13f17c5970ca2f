"""Facts that read files and databases: how they are written, what is wrong with them, what types they have."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_mapping import loaded, problems, write

from connector.describe import ObjectDescribe
from connector.errors import FixFirst
from connector.mapping import judge_mapping
from connector.mapping.language import Kind
from connector.mapping.sources import column_field, join_sources
from connector.mapping.values import KeyColumn

PLACE = "  age: today - first_won\n"
NPS = f"""{PLACE}  nps:
    file: usage/nps.csv
    key: account_id
    value: score
    dated: answered_on
    stale_after: 120 days
"""
USERS = f"""{PLACE}  users:
    query: select account_no, users, day from logins
    database: product
    key: {{account_no: AccountNumber}}
    value: users
    dated: day
    stale_after: 3 days
"""


def said(folder: Path, text: str, *changes: tuple[str, str]) -> list[str]:
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return [f"{p.line}:{p.column}: {p.message}" for p in problems(folder, (PLACE, text))]


def test_a_file_and_a_query_are_what_the_mapping_reads_beside_the_org(tmp_path: Path) -> None:
    nps, users = loaded(tmp_path, (PLACE, NPS + USERS.removeprefix(PLACE))).sources
    assert (nps.name, nps.place, nps.path, nps.shown) == ("file:usage/nps.csv", "usage", "nps.csv", "usage/nps.csv")
    assert (nps.columns, nps.key) == (frozenset({"score", "answered_on"}), KeyColumn("account_id"))
    assert (users.place, users.query) == ("product", "select account_no, users, day from logins")
    assert users.name.startswith("query:product/")
    assert users.key == KeyColumn("account_no", "AccountNumber")


def test_the_pull_reads_the_key_from_the_org_and_nothing_of_the_file(tmp_path: Path) -> None:
    needs = loaded(tmp_path, (PLACE, USERS)).needs.fields
    assert "AccountNumber" in needs["Account"]
    assert not [name for name in needs if ":" in name]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("usage/nps.csv", "nps.csv", "14:11: 'nps.csv' must be the name of a section under [sources]"),
        ("usage/nps.csv", "/etc/passwd.csv", "14:11: '/etc/passwd.csv' must be the name of a section"),
        ("usage/nps.csv", "usage/../x.csv", "14:11: 'usage/../x.csv' may only name a file below its place"),
        ("usage/nps.csv", "usage/*.csv", "14:11: 'usage/*.csv' may only name a file below its place"),
        ("usage/nps.csv", "usage/nps.xlsx", "14:11: 'usage/nps.xlsx' is of no kind that can be read; allowed: .csv"),
        ("usage/nps.csv", "Usage/nps.csv", "14:11: 'Usage/nps.csv' starts with 'Usage'; a section under [sources] has"),
        ("    key: account_id\n", "", "13:3: a fact of a file or a query needs its `key`"),
        ("key: account_id", "key: [a]", "15:10: facts.nps.key: ['a'] is no key; write the column"),
        ("key: account_id", "key: {a: Acount}", "15:10: Account has no field 'Acount'"),
        ("key: account_id", "key: {a: AnnualRevenue}", "15:10: AnnualRevenue is of type currency; a key is a text"),
        ("key: account_id", "key: account_id\n    database: product", "16:5: database belongs to a `query`"),
        ("key: account_id", "key: account_id\n    columns: {score: numbr}", "'numbr' is not allowed; allowed: number,"),
        ("    value: score\n", "", "13:3: fact 'nps' has no 'value'; add it"),
        ("value: score", "value: count(Opportunity)", "16:12: count cannot stand here; make it a fact of its own"),
        ("    stale_after: 120 days\n", "", "without stale_after this fact would be believed for ever"),
    ],
)
def test_what_is_wrong_with_a_file_fact_is_said_where_it_stands(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert message in "\n".join(said(tmp_path, NPS, (old, new)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    database: product\n", "", "14:5: a query needs its `database`: the name of a section under [sources]"),
        ("select account_no", "delete account_no", "14:12: a query begins with SELECT or WITH"),
        ("    database:", "    file: usage/a.csv\n    database:", "14:5: a fact reads a file or a query, not both"),
        ("    dated: day\n", "", "stale_after needs `dated`: the date that the value is from"),
    ],
)
def test_what_is_wrong_with_a_query_fact_is_said_where_it_stands(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert message in "\n".join(said(tmp_path, USERS, (old, new)))


def test_a_fact_over_records_has_no_key(tmp_path: Path) -> None:
    text = "  age:\n    value: today - first_won\n    key: account_id\n"
    assert said(tmp_path, text) == ["14:5: key belongs to facts with `file` or `query`"]


def test_facts_over_one_file_agree_on_its_key_and_columns(tmp_path: Path) -> None:
    other = NPS.removeprefix(PLACE).replace("nps:", "again:").replace("account_id", "other_id")
    told = said(tmp_path, NPS + other)
    assert told == ["21:10: fact 'nps' reads the same rows by the key account_id; use one key"]


# --- types -----------------------------------------------------------------------------------------------------


def kind_of(folder: Path, text: str, key: str, *fields: tuple[str, str]) -> Kind:
    known = {}
    if fields:
        columns = {name: column_field(name, kind, 2, 1) for name, kind in fields}
        known = {"file:usage/nps.csv": ObjectDescribe("file:usage/nps.csv", "", columns)}
    judged = judge_mapping(write(folder, (PLACE, text)), sources=known)
    assert judged.mapping is not None, judged.problems
    return judged.mapping.expressions[f"facts.{key}"].type.kind


def test_a_file_that_nobody_has_seen_may_hold_anything(tmp_path: Path) -> None:
    happy = NPS + "  happy: nps >= 9 and nps = 'x'\n"
    assert kind_of(tmp_path, happy, "nps") is Kind.ERROR
    assert kind_of(tmp_path, happy, "happy") is Kind.BOOLEAN


def test_the_data_the_declaration_and_the_examples_say_what_a_column_holds(tmp_path: Path) -> None:
    seen = (("score", "number"), ("answered_on", "date"))
    assert kind_of(tmp_path, NPS, "nps", *seen) is Kind.NUMBER
    declared = NPS.replace("    value:", "    columns: {score: text}\n    value:")
    assert kind_of(tmp_path, declared, "nps") is Kind.TEXT
    assert kind_of(tmp_path, declared, "nps", *seen) is Kind.TEXT
    example = "  - {name: a, as_of: 2026-09-01, given: {facts: {nps: 9}}, expect: {facts: {nps: 9}}}\n"
    path = write(tmp_path, (PLACE, NPS))
    path.write_text(path.read_text() + f"examples:\n{example}")
    mapping = judge_mapping(path).mapping
    assert mapping is not None
    assert mapping.expressions["facts.nps"].type.kind is Kind.NUMBER


def test_a_rule_that_does_not_fit_the_data_is_an_error_at_its_place(tmp_path: Path) -> None:
    columns = {"score": column_field("score", "text"), "answered_on": column_field("answered_on", "date")}
    known = {"file:usage/nps.csv": ObjectDescribe("file:usage/nps.csv", "", columns)}
    path = write(tmp_path, (PLACE, NPS + "  happy: nps >= 9\n"))
    (problem,) = judge_mapping(path, sources=known).problems
    assert (problem.line, "cannot be compared" in problem.message) == (19, True)


def test_an_unknown_column_is_an_error_with_the_nearest_name(tmp_path: Path) -> None:
    columns = {"scores": column_field("scores", "number"), "answered_on": column_field("answered_on", "date")}
    known = {"file:usage/nps.csv": ObjectDescribe("file:usage/nps.csv", "", columns)}
    (problem,) = judge_mapping(write(tmp_path, (PLACE, NPS)), sources=known).problems
    assert (problem.line, problem.column) == (16, 12)
    assert problem.message == "unknown name 'score'; did you mean 'scores'?"


def test_a_column_may_be_called_like_the_fact_and_stand_beside_fields_of_the_account(tmp_path: Path) -> None:
    text = NPS.replace("value: score", "value: nps / Account.NumberOfEmployees")
    mapping = loaded(tmp_path, (PLACE, text))
    assert mapping.sources[0].columns == frozenset({"nps", "answered_on"})
    assert "NumberOfEmployees" in mapping.needs.fields["Account"]


# --- several mappings ------------------------------------------------------------------------------------------


def test_two_mappings_over_one_file_read_it_once(tmp_path: Path) -> None:
    one = loaded(tmp_path, (PLACE, NPS)).sources
    two = loaded(tmp_path, (PLACE, NPS.replace("score", "other").replace("account_id", "{no: AccountNumber}"))).sources
    (both,) = join_sources([*one, *two])
    assert both.columns == frozenset({"score", "other", "answered_on"})
    assert both.keys == frozenset({KeyColumn("account_id"), KeyColumn("no", "AccountNumber")})


def test_two_mappings_must_agree_on_what_a_column_is(tmp_path: Path) -> None:
    def declared(kind: str) -> str:
        return NPS.replace("    value:", f"    columns: {{score: {kind}}}\n    value:")

    one, two = (loaded(tmp_path, (PLACE, declared(kind))).sources for kind in ("text", "number"))
    with pytest.raises(FixFirst, match="Make them agree"):
        join_sources([*one, *two])


# --- worked examples -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ("{won: 3}", "the fact 'won' comes from records; give those"),
        ("{npss: 3}", "the fact 'npss' does not exist; did you mean 'nps'?"),
        ("3", "facts of files and queries are given as {nps: 9}"),
        ("{nps: {scor: 3}}", "no fact reads the column 'scor'; did you mean 'score'?"),
        ("{half: 3}", "the fact 'half' is computed from columns; give those: {half: {column: value}}"),
    ],
)
def test_what_an_example_gives_wrongly_is_said(tmp_path: Path, facts: str, message: str) -> None:
    half = NPS.removeprefix(PLACE).replace("nps:", "half:").replace("value: score", "value: score / 2")
    path = write(tmp_path, (PLACE, NPS + half))
    given = f"  - {{name: a, as_of: 2026-09-01, given: {{facts: {facts}}}, expect: {{unstaged: true}}}}\n"
    path.write_text(path.read_text() + f"examples:\n{given}")
    assert message in "\n".join(p.message for p in judge_mapping(path).problems)
