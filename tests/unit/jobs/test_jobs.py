"""Job files: what loads, what is refused and where the finger points."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.errors import FileProblems, FixFirst
from connector.jobs import Limit, cron_trigger, find_job, load_job, load_jobs

GOOD = """\
job = "lifecycle"
mappings = ["post_sale"]
schedule = "*/15 * * * *"

[limits]
moves = {share = "5 %", minimum = 100}
placements = {count = 10}
"""


def write(folder: Path, text: str, name: str = "a.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_job_says_when_what_and_how_much(tmp_path: Path) -> None:
    job = load_job(write(tmp_path, GOOD))
    assert (job.job, job.mappings, job.policy, job.pull) == ("lifecycle", ("post_sale",), "sync", "changes")
    assert job.limits.moves == Limit(share="5 %", minimum=100)  # type: ignore[arg-type]
    assert job.overlap == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("line", "column", "replace", "by", "message"),
    [
        pytest.param(3, 1, "schedule", "shedule", "did you mean 'schedule'?", id="misspelt key"),
        pytest.param(6, 9, "share", "part", "unknown key 'part'", id="unknown key inside a limit"),
        pytest.param(6, 1, "moves =", "movs =", "did you mean 'moves'?", id="misspelt limit"),
        pytest.param(6, 9, '"5 %"', '"a lot"', "is not a share", id="a share that is no percentage"),
        pytest.param(6, 9, '"5 %"', '"250 %"', "less than or equal to 1", id="a share above everything"),
        pytest.param(3, 12, "*/15 * * * *", "every hour", "is not a schedule", id="no cron"),
        pytest.param(3, 12, "*/15 * * * *", "0 0 1 * 1", "not both", id="day of month and of week"),
        pytest.param(1, 7, '"lifecycle"', '"Life cycle"', "is no name", id="a name with blanks"),
        pytest.param(2, 12, '["post_sale"]', "[]", "at least 1 item", id="no mapping"),
        pytest.param(3, 12, '"*/15 * * * *"', "*/15", "not TOML", id="not TOML"),
    ],
)
def test_a_slip_is_named_where_it_stands(
    tmp_path: Path, line: int, column: int, replace: str, by: str, message: str
) -> None:
    path = write(tmp_path, GOOD.replace(replace, by))
    with pytest.raises(FileProblems) as found:
        load_job(path)
    (problem,) = found.value.problems
    assert (problem.file, problem.line, problem.column) == (str(path), line, column)
    assert message in problem.message
    assert problem.source == path.read_text().splitlines()[line - 1]


def test_all_slips_of_all_files_come_at_once(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("limits", "limit").replace("schedule", "when"))
    write(tmp_path, 'mappings = ["x"]\n', "b.toml")
    with pytest.raises(FileProblems) as found:
        load_jobs(tmp_path)
    assert [Path(p.file).name for p in found.value.problems] == ["a.toml", "a.toml", "b.toml"]


def test_an_overlap_too_short_to_see_late_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileProblems, match="at least 15 minutes"):
        load_job(write(tmp_path, 'overlap = "5 minutes"\n' + GOOD))


def test_two_files_with_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, GOOD, "b.toml")
    with pytest.raises(FileProblems, match="already declares the job 'lifecycle'"):
        load_jobs(tmp_path)


def test_a_wrong_name_on_the_command_line_shows_the_right_ones(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(FixFirst, match=r"jobs there: lifecycle\)\. Did you mean 'lifecycle'"):
        find_job(tmp_path, "lifecycel")


@pytest.mark.parametrize(
    ("limit", "found", "population", "allowed"),
    [
        pytest.param(Limit(), 10_000, 10, True, id="no limit"),
        pytest.param(Limit(count=5), 5, 10, True, id="as many as the count"),
        pytest.param(Limit(count=5), 6, 10, False, id="one more than the count"),
        pytest.param(Limit(share="10 %"), 10, 100, True, id="exactly the share"),  # type: ignore[arg-type]
        pytest.param(Limit(share="10 %"), 11, 100, False, id="more than the share"),  # type: ignore[arg-type]
        pytest.param(Limit(share="10 %", minimum=50), 9, 49, True, id="a book too small for shares"),  # type: ignore[arg-type]
        pytest.param(Limit(share="10 %", minimum=50), 6, 50, False, id="a book just large enough"),  # type: ignore[arg-type]
        pytest.param(Limit(count=0), 0, 0, True, id="nothing to do is always allowed"),
    ],
)
def test_a_limit_judges_count_and_share(limit: Limit, found: int, population: int, allowed: bool) -> None:
    assert limit.allows(found, population) is allowed


def test_a_limit_reads_aloud() -> None:
    assert str(Limit(count=5, share="2.5 %")) == "5 or 2.5 % of the subjects"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cron", "after", "tick"),
    [
        pytest.param("*/15 * * * *", "2026-09-01 10:01", "2026-09-01 10:15", id="every quarter of an hour"),
        pytest.param("0 6 * * 0", "2026-09-01 00:00", "2026-09-06 06:00", id="0 is Sunday"),
        pytest.param("0 6 * * 7", "2026-09-01 00:00", "2026-09-06 06:00", id="7 is Sunday too"),
        pytest.param("0 6 * * 1-5", "2026-09-04 07:00", "2026-09-07 06:00", id="working days"),
        pytest.param("0 6 * * mon,wed", "2026-09-01 07:00", "2026-09-02 06:00", id="named days"),
    ],
)
def test_cron_means_what_cron_means(cron: str, after: str, tick: str) -> None:
    start = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert cron_trigger(cron, "UTC").get_next_fire_time(None, start) == datetime.fromisoformat(tick + "+00:00")
