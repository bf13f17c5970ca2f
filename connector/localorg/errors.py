"""What the org says when it refuses.

Status, code and wording in one place. Raised by every part, rendered by wire.py.

Wordings marked R were read in recorded traffic, D in documentation or in other projects' recorded answers; U
are from memory and unverified. Clients should decide on codes, so only codes and statuses are promised.
"""

from collections.abc import Iterable, Sequence
from typing import Any


class OrgError(Exception):
    """One refusal. `fields` is None where Salesforce leaves the key out of single-record answers."""

    def __init__(self, status: int, code: str, message: str, fields: Iterable[str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.fields = None if fields is None else tuple(fields)

    def as_rest(self) -> list[dict[str, Any]]:
        """The body of a refused single-record request."""
        body: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            body["fields"] = list(self.fields)
        return [body]

    def as_collection(self) -> dict[str, Any]:
        """The same refusal inside a collections result, where the code is called statusCode."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}


class RequestMalformedError(OrgError):
    """The body could not be read into records: refuses the whole request, collections included."""


class DuplicatesDetectedError(OrgError):
    """A duplicate rule struck; carries what it found."""

    def __init__(self, message: str, result: dict[str, Any]) -> None:
        super().__init__(400, "DUPLICATES_DETECTED", message, [])
        self.result = result

    def as_rest(self) -> list[dict[str, Any]]:
        """The body of a refused single-record request."""
        return [{"duplicateResult": self.result, "errorCode": self.code, "message": self.message}]

    def as_collection(self) -> dict[str, Any]:
        """The same refusal inside a collections result."""
        return {**super().as_collection(), "duplicateResult": self.result}


_CUSTOM_FIELD_HINT = (
    " If you are attempting to use a custom field, be sure to append the '__c' after the custom field name."
    " Please reference your WSDL or the describe call for the appropriate names."
)
_CUSTOM_OBJECT_HINT = (
    " If you are attempting to use a custom object, be sure to append the '__c' after the entity name."
    " Please reference your WSDL or the describe call for the appropriate names."
)
_RELATIONSHIP_HINT = (
    " If you are attempting to use a custom relationship, be sure to append the '__r' after the custom"
    " relationship name."
    " Please reference your WSDL or the describe call for the appropriate names."
)


# --- reading


def no_such_column(name: str, sobject: str) -> tuple[str, str]:
    """Code and text of an unknown or hidden field in SOQL (R)."""
    return "INVALID_FIELD", f"No such column '{name}' on entity '{sobject}'.{_CUSTOM_FIELD_HINT}"


def no_such_type(name: str) -> tuple[str, str]:
    """Code and text of an unknown or hidden object in SOQL (R)."""
    return "INVALID_TYPE", f"sObject type '{name}' is not supported.{_CUSTOM_OBJECT_HINT}"


def no_such_relationship(name: str) -> tuple[str, str]:
    """Code and text of an unknown parent path in SOQL (D)."""
    return "INVALID_FIELD", f"Didn't understand relationship '{name}' in field path.{_RELATIONSHIP_HINT}"


def no_such_child_relationship(name: str) -> tuple[str, str]:
    """Code and text of an unknown child relationship in a subquery (D)."""
    return "INVALID_TYPE", (f"Didn't understand relationship '{name}' in FROM part of query call.{_RELATIONSHIP_HINT}")


def resource_missing() -> OrgError:
    """An unknown URL, object or describe (R)."""
    return OrgError(404, "NOT_FOUND", "The requested resource does not exist")


def record_missing(key: str) -> OrgError:
    """A record or external id that does not exist, or is not visible (R)."""
    return OrgError(404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {key}")


def method_not_allowed(method: str, allowed: Sequence[str]) -> OrgError:
    """A known URL asked with the wrong method (D)."""
    return OrgError(
        405,
        "METHOD_NOT_ALLOWED",
        f"HTTP Method '{method}' not allowed. Allowed are {','.join(sorted(allowed))}",
    )


def session_invalid() -> OrgError:
    """No token, a foreign token or an expired one (R)."""
    return OrgError(401, "INVALID_SESSION_ID", "Session expired or invalid")


def locator_invalid() -> OrgError:
    """A query locator that was never issued or has expired after two days (D)."""
    return OrgError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")


# --- bodies


def body_unreadable(reason: str) -> OrgError:
    """A body that is not JSON, or not of the shape that the resource asks for (D)."""
    return RequestMalformedError(400, "JSON_PARSER_ERROR", reason)


def value_unreadable(kind: str, token: str, value: object) -> OrgError:
    """A JSON value that cannot become the field's type (D); the position is not computed."""
    text = f"Cannot deserialize instance of {kind} from {token} value {value}"
    return RequestMalformedError(
        400, "JSON_PARSER_ERROR", f"{text} or request may be missing a required field at [line:1, column:1]"
    )


def unknown_field(name: str, sobject: str) -> OrgError:
    """A body that names a field which does not exist, or is hidden from the user (R)."""
    return RequestMalformedError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}")


def too_many_records(limit: int = 200) -> OrgError:
    """More records than a collections request may carry (D)."""
    return OrgError(
        400,
        "EXCEEDED_ID_LIMIT",
        f"record limit reached. cannot submit more than {limit} records into this call",
    )


# --- records


def field_not_writable(names: Sequence[str]) -> OrgError:
    """A field that is read-only by nature or for this user (D)."""
    return OrgError(
        400,
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings of this field and "
        "verify that it is read/write for your profile or permission set.",
        names,
    )


def id_not_writable() -> OrgError:
    """An Id in the body of a create (D)."""
    return OrgError(400, "INVALID_FIELD", "The Id field should not be specified in the sobject data.")


def required_missing(names: Sequence[str]) -> OrgError:
    """Required fields left out or set to null (D)."""
    return OrgError(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(names)}]", names)


def text_too_long(label: str, name: str, value: str, length: int) -> OrgError:
    """A text longer than the field (D); the org never truncates."""
    return OrgError(400, "STRING_TOO_LONG", f"{label}: data value too large: {value} (max length={length})", [name])


def number_out_of_range(label: str, name: str, value: object) -> OrgError:
    """A number with more digits before the point than the field holds (D)."""
    return OrgError(
        400,
        "NUMBER_OUTSIDE_VALID_RANGE",
        f"{label}: value outside of valid range on numeric field: {value}",
        [name],
    )


def picklist_refused(label: str, name: str, value: str) -> OrgError:
    """A value outside a restricted picklist (D)."""
    return OrgError(
        400,
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        f"{label}: bad value for restricted picklist field: {value}",
        [name],
    )


def email_invalid(label: str, name: str, value: str) -> OrgError:
    """An address without the shape of one (D)."""
    return OrgError(400, "INVALID_EMAIL_ADDRESS", f"{label}: invalid email address: {value}", [name])


def id_malformed(label: str, name: str, value: object) -> OrgError:
    """A text in a reference field that is no id (D)."""
    return OrgError(400, "MALFORMED_ID", f"{label}: id value of incorrect type: {value}", [name])


def id_of_wrong_type(label: str, name: str, value: str) -> OrgError:
    """An id whose key prefix belongs to an object that the field cannot refer to (D)."""
    return OrgError(400, "FIELD_INTEGRITY_EXCEPTION", f"{label}: id value of incorrect type: {value}", [name])


def reference_missing(name: str | None = None) -> OrgError:
    """An id of the right type without a record behind it (D)."""
    return OrgError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [] if name is None else [name])


def foreign_key_missing(field: str, value: object, sobject: str) -> OrgError:
    """A parent named by external id that does not exist (R)."""
    return OrgError(
        400, "INVALID_FIELD", f"Foreign key external ID: {value} not found for field {field} in entity {sobject}", []
    )


def entity_deleted() -> OrgError:
    """A record that is in the recycle bin (D). 404 for a single request."""
    return OrgError(404, "ENTITY_IS_DELETED", "entity is deleted", [])


def duplicate_value(name: str, existing_id: str) -> OrgError:
    """A value of a unique field that another record has; the text carries its 15-character id (D)."""
    return OrgError(
        400,
        "DUPLICATE_VALUE",
        f"duplicate value found: {name} duplicates value on record with id: {existing_id[:15]}",
        [],
    )


def duplicate_external_id(name: str, value: object) -> OrgError:
    """The same external id twice in one collections upsert (U)."""
    return OrgError(400, "DUPLICATE_VALUE", f"Duplicate external id specified: {value}", [name])


def already_campaign_member() -> OrgError:
    """A person who is in the campaign already (D)."""
    return OrgError(400, "DUPLICATE_VALUE", "Already a campaign member.", [])


def owner_inactive(owner_id: str, sobject: str) -> OrgError:
    """An owner who has left, on objects whose owner must be active (D)."""
    return OrgError(
        400,
        "INACTIVE_OWNER_OR_USER",
        f"operation performed with inactive user [{owner_id[:15]}] as owner of {sobject.lower()}",
        [],
    )


def integrity(message: str, fields: Iterable[str] = ()) -> OrgError:
    """A rule of the platform that spans fields (codes D, texts U unless the caller says otherwise)."""
    return OrgError(400, "FIELD_INTEGRITY_EXCEPTION", message, fields)


def operation_refused(sobject: str, verb: str) -> OrgError:
    """An object that the API does not let anyone create, update or delete (D)."""
    return OrgError(
        400,
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" if verb != "delete" else "INSUFFICIENT_ACCESS_OR_READONLY",
        f"entity type {sobject} does not support {verb}",
        [],
    )


def delete_restricted(name: str, children: str, names: str) -> OrgError:
    """A record that others hold, such as an Account with Cases (D)."""
    text = f"Your attempt to delete {name} could not be completed because it is associated with the following"
    return OrgError(400, "DELETE_FAILED", f"{text} {children.lower()}.: {names}", [])


def rolled_back() -> OrgError:
    """An innocent record of an all-or-none request that failed (D)."""
    return OrgError(
        400,
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "Record rolled back because not all records were valid and the request was using AllOrNone header",
        [],
    )


def processing_halted(message: str | None = None) -> OrgError:
    """A subrequest that was not run, or was undone, because another one failed (R)."""
    return OrgError(
        400,
        "PROCESSING_HALTED",
        message or "The transaction was rolled back since another operation in the same transaction failed.",
    )


# --- an admin's rules


def validation_failed(message: str, name: str | None) -> OrgError:
    """A validation rule whose formula is true (D); the text is the admin's."""
    return OrgError(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", message, [] if name is None else [name])


def duplicates_detected(sobject: str, rule: str, ids: Sequence[str], *, allow_save: bool) -> OrgError:
    """A record that a duplicate rule takes for one that exists (4.4; keys D, text U)."""
    message = "Use one of these records?" if allow_save else "You're creating a duplicate record."
    records = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {"attributes": {"type": sobject}, "Id": i},
        }
        for i in ids
    ]
    match = {"entityType": sobject, "errors": [], "matchEngine": "ExactMatchEngine", "matchRecords": records}
    result = {
        "allowSave": allow_save,
        "duplicateRule": rule,
        "duplicateRuleEntityType": sobject,
        "errorMessage": message,
        "matchResults": [{**match, "rule": rule, "size": len(ids), "success": True}],
    }
    return DuplicatesDetectedError(message, result)


def row_locked(record_id: str) -> OrgError:
    """A record that another transaction is changing (D)."""
    text = f"unable to obtain exclusive access to this record or 1 records: {record_id}"
    return OrgError(400, "UNABLE_TO_LOCK_ROW", text, [])


def approval_locked() -> OrgError:
    """A record in an approval process (U)."""
    return OrgError(400, "ENTITY_IS_LOCKED", "the entity is locked for editing", [])


def record_type_refused(record_type: str) -> OrgError:
    """A record type of another object, or one that is switched off (D)."""
    text = f"Record Type ID: this ID value isn't valid for the user: {record_type}"
    return OrgError(400, "INVALID_CROSS_REFERENCE_KEY", text, ["RecordTypeId"])


def currency_refused(code: object) -> OrgError:
    """A currency that the org does not have (U)."""
    return OrgError(400, "INVALID_CURRENCY_ISO", f"invalid currency ISO code: {code}", ["CurrencyIsoCode"])
