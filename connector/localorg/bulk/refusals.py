"""What Bulk API 2.0 says when it refuses a request, or fails a job.

Marks as in errors.py: R was read in answers of a real org that others have published, D in documentation, U is
from memory or of our own making. Bulk writes the codes of its older sister in capitals: InvalidJobState became
INVALIDJOBSTATE.
"""

from connector.localorg.bulk.usage import ALLOCATIONS
from connector.localorg.errors import OrgError

LARGEST_UPLOAD = 150_000_000


def entity_not_bulk(sobject: str) -> OrgError:
    """An object that only REST can read (code R, text R)."""
    return OrgError(400, "INVALIDENTITY", f"Entity '{sobject}' is not supported by the Bulk API.")


def entity_missing(sobject: str) -> OrgError:
    """An ingest job for an object that does not exist, or is hidden (U)."""
    return OrgError(400, "INVALIDENTITY", f"Unable to find object: {sobject}")


def compound_selected() -> OrgError:
    """A query job that selects an address or a geolocation (R)."""
    return OrgError(400, "API_ERROR", "Selecting compound data not supported in Bulk Query")


def children_selected() -> OrgError:
    """A query job with a child subquery (text R, code U)."""
    return OrgError(400, "API_ERROR", "Aggregate Relationships not supported in Bulk V2 Query with CSV content type")


def clause_not_bulk(what: str) -> OrgError:
    """A clause that query jobs do not take (that it is refused D, text U)."""
    return OrgError(400, "API_ERROR", f"{what} not supported in Bulk V2 Query with CSV content type")


def too_many_query_jobs() -> OrgError:
    """The 24-hour allocation of query jobs is used up (R)."""
    text = f"Max bulk v2 query jobs ({ALLOCATIONS['query jobs']}) per 24 hrs has been reached"
    return OrgError(400, "LIMIT_EXCEEDED", text)


def too_many_result_bytes() -> OrgError:
    """The 24-hour allocation of query results is used up (R)."""
    most = ALLOCATIONS["result bytes"] // 1000
    text = f"Max bulk v2 query result size stored ({most}) kb per 24 hrs has been exceeded"
    return OrgError(400, "LIMIT_EXCEEDED", text)


def no_results_yet(state: str) -> OrgError:
    """Results of a query job that is not complete, where the org says so at all (switch; U)."""
    return OrgError(400, "INVALIDJOBSTATE", f"Job in state {state} has no results; wait until it is JobComplete")


def value_not_allowed(name: str, value: object, allowed: tuple[str, ...]) -> OrgError:
    """A property of a new job with a value outside its list, or without one (U)."""
    return OrgError(400, "INVALIDJOB", f"{name} {value!r} is not allowed; use one of {', '.join(allowed)}")


def property_unknown(name: str) -> OrgError:
    """A property that a new job does not have (R, as for every typed body)."""
    return OrgError(400, "JSON_PARSER_ERROR", f'Unrecognized field "{name}" in the job')


def external_id_missing(name: object) -> OrgError:
    """An upsert job without a usable externalIdFieldName (U)."""
    return OrgError(400, "INVALIDJOB", f"External ID Field Name is required for upsert and must be one: {name}")


def assignment_rule_missing(rule: object) -> OrgError:
    """An assignment rule that the org does not have; this org has none (U)."""
    return OrgError(400, "INVALIDJOB", f"Invalid assignment rule id: {rule}")


def hard_delete_not_allowed() -> OrgError:
    """The permission Bulk API Hard Delete, which no profile has by default (text R)."""
    text = "hardDelete operation requires special user profile permission, please contact your system administrator"
    return OrgError(400, "FEATURENOTENABLED", text)


def transition_refused(verb: str, state: str) -> OrgError:
    """A change of state that the job's state does not allow (R for Completed)."""
    word = {"JobComplete": "Completed"}.get(state, state)
    return OrgError(400, "INVALIDJOBSTATE", f"{verb} already {word} Job not allowed")


def state_not_settable(state: object) -> OrgError:
    """A state that only Salesforce gives (U)."""
    return OrgError(400, "INVALIDJOBSTATE", f"Job state {state!r} can not be set; use UploadComplete or Aborted")


def delete_refused(state: str) -> OrgError:
    """Deleting a job that is still open or at work (rule D, text U)."""
    return OrgError(400, "INVALIDJOBSTATE", f"Deleting a Job in state {state} not allowed")


def second_upload(job_id: str) -> OrgError:
    """A second PUT (R)."""
    text = (
        f"Found multiple contents for job: <{job_id[:15]}>, please 'Close' / 'Abort' / 'Delete' the current Job then "
        "create a new Job and make sure you only do 'PUT' once on a given Job."
    )
    return OrgError(400, "INVALIDJOB", text)


def upload_too_large(size: int, most: int) -> OrgError:
    """More than 150 MB, counted as base64 the way Salesforce keeps it, or 100,000 in a multipart job (D, text U)."""
    text = f"Job data of {size} bytes exceeds the limit of {most}; split it into several jobs"
    return OrgError(400, "CLIENTINPUTERROR", text)


def upload_not_csv(content_type: str) -> OrgError:
    """Job data that is not announced as text/csv (U)."""
    return OrgError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Type {content_type!r} is not supported; use text/csv")


def other_version(asked: str, created: str) -> OrgError:
    """Results asked for in another API version than the job was created in (status D, text U)."""
    text = f"The job was created with API version {created}, and its results can not be read with {asked}"
    return OrgError(409, "INVALIDVERSION", text)


def page_not_readable(name: str, value: str) -> OrgError:
    """A maxRecords that is no positive number (U)."""
    return OrgError(400, "INVALID_QUERY_PARAMETER", f"{name} must be a positive number: {value}")


def value_unreadable(label: str, name: str, value: object) -> OrgError:
    """A cell that is no value of its field's type (code D, text U)."""
    text = f"{label}: value not of required type: {value}"
    return OrgError(400, "INVALID_TYPE_ON_FIELD_IN_RECORD", text, [name])


class JobFailedError(Exception):
    """Fails a whole ingest job before any of its rows is read; the text becomes its errorMessage."""


def line_ending_wrong(setting: str) -> JobFailedError:
    """Rows that do not end as the job says (R)."""
    text = f"LineEnding is invalid on user data. Current LineEnding setting is {setting}"
    return JobFailedError(f"ClientInputError : {text}")


def quote_not_escaped() -> JobFailedError:
    """A quote inside a value that is not quoted; also what a BOM before a quoted header leads to (R)."""
    return JobFailedError(
        "InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote"
    )


def not_utf8() -> JobFailedError:
    """Bytes that are no UTF-8 (U)."""
    return JobFailedError("InvalidBatch : Failed to parse CSV. The data is not UTF-8")


def row_too_long(number: int, cells: int, columns: int) -> JobFailedError:
    """A row with more or fewer values than the header has names (U)."""
    return JobFailedError(f"InvalidBatch : Failed to parse CSV. Row {number} has {cells} values for {columns} columns")


def no_rows() -> JobFailedError:
    """Nothing uploaded, or no header (text R, of the older Bulk API)."""
    return JobFailedError("InvalidBatch : Records not found")


def too_many_columns(count: int, most: int) -> JobFailedError:
    """More fields than a record of a job may have (limit D, text U)."""
    return JobFailedError(f"InvalidBatch : Failed to parse CSV. {count} columns exceed the limit of {most}")


def value_too_long(row: int, name: str, length: int, most: int) -> JobFailedError:
    """A value of more characters than a job takes, whatever the field would hold (limit D, text U)."""
    text = f"Row {row} has {length} characters in {name}; the limit is {most}"
    return JobFailedError(f"InvalidBatch : Failed to parse CSV. {text}")


def record_too_long(row: int, length: int, most: int) -> JobFailedError:
    """A record of more characters than a job takes (limit D, text U)."""
    return JobFailedError(f"InvalidBatch : Failed to parse CSV. Row {row} has {length} characters; the limit is {most}")


def batches_used_up() -> str:
    """What a job says that ran out of batches; its other rows are unprocessed (rule D, code D, text U)."""
    return f"ExceededQuota : Max batches ({ALLOCATIONS['batches']}) per 24 hrs has been reached"


def column_missing(name: str) -> JobFailedError:
    """A header that names no field, or lacks the one that the operation needs (R)."""
    return JobFailedError(f"InvalidBatch : Field name not found : {name}")


def column_twice(name: str) -> JobFailedError:
    """The same field in two columns (U)."""
    return JobFailedError(f"InvalidBatch : Duplicate column : {name}")


def column_too_much(name: str) -> JobFailedError:
    """A delete file with more than ids (U)."""
    return JobFailedError(f"InvalidBatch : Only the column Id is allowed in a delete job : {name}")


def relationship_missing(name: str) -> JobFailedError:
    """A relationship that the object does not have (R)."""
    return JobFailedError(f"InvalidBatch : Unable to find relationship: {name}")


def type_not_needed(name: str) -> JobFailedError:
    """A type before a relationship that leads to one object only (R)."""
    return JobFailedError(f"InvalidBatch : type is not needed for non polymorphic foreign key references: {name}")


def type_needed(name: str) -> JobFailedError:
    """A polymorphic relationship without a type, or with one that it can not lead to (U)."""
    return JobFailedError(f"InvalidBatch : type is needed for polymorphic foreign key references: {name}")
