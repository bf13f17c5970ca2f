"""The three result files of an ingest job, in the job's own CSV (reference 3.2); the columns are those uploaded.

Rows are told in no order that a client may rely on (reference 3.2): batches of 10,000 run side by side, and whichever
ends first is told first. Here that is the last one, every time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from connector.localorg.bulk.jobs import IngestJob, Outcome
from connector.localorg.bulk.usage import ROWS_PER_BATCH


def write_successful(job: IngestJob) -> bytes:
    """successfulResults: the id and whether it is new, before what was uploaded."""
    outcomes = _as_batches_end(job.outcomes)
    rows = ((o.record_id, "true" if o.created else "false", *o.cells) for o in outcomes if not o.error)
    return _write(job, ("sf__Id", "sf__Created"), rows)


def write_failed(job: IngestJob) -> bytes:
    """failedResults: the id, where the row named one, and the refusal, before what was uploaded."""
    rows = ((o.record_id, o.error, *o.cells) for o in _as_batches_end(job.outcomes) if o.error)
    return _write(job, ("sf__Id", "sf__Error"), rows)


def write_unprocessed(job: IngestJob) -> bytes:
    """unprocessedrecords: rows that the job never came to; the whole upload where it could not be read."""
    if job.table is None:
        return job.upload or b""
    return _write(job, (), job.table.rows[len(job.outcomes) :])


def _as_batches_end(outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    for first in reversed(range(0, len(outcomes), ROWS_PER_BATCH)):
        yield from outcomes[first : first + ROWS_PER_BATCH]


def _write(job: IngestJob, own: tuple[str, ...], rows: Iterable[Iterable[str]]) -> bytes:
    """The header repeats the first line of the upload as it was written (recorded)."""
    uploaded = [] if job.table is None else [job.table.header]
    header = job.dialect.delimiter.join([*(f'"{name}"' for name in own), *uploaded]) + job.dialect.ending
    return (header + "".join(map(job.dialect.write_row, rows))).encode()


RESULT_FILES: Mapping[str, Callable[[IngestJob], bytes]] = MappingProxyType(
    {
        "successfulresults": write_successful,
        "failedresults": write_failed,
        "unprocessedrecords": write_unprocessed,
    }
)
"""By the last word of the URL in lower case: clients write unprocessedrecords and unprocessedRecords."""
