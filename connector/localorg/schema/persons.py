"""Fields of Account that belong to the person, in orgs with person accounts: those of Contact under other names.

Which fields, and how they differ from Contact's, is recorded (describe of Account in an org with person accounts):
standard ones are called PersonX, custom ones X__pc with relationship X__pr. `mirrors` names the field of Contact, whose
field-level security counts for both (help, Account Fields). Called by schema and by customization.py.
"""

from typing import Any

Definition = dict[str, Any]
NAME_PARTS = ("LastName", "FirstName", "Salutation")
_RENAMED = {"MobilePhone": "Mobile", "AssistantName": "Assistant"}
_PLAIN = (
    "MobilePhone", "HomePhone", "OtherPhone", "AssistantPhone", "Email", "Title", "Department", "AssistantName",
    "LeadSource", "Birthdate", "HasOptedOutOfEmail", "HasOptedOutOfFax", "DoNotCall", "LastCURequestDate",
    "LastCUUpdateDate", "EmailBouncedReason", "EmailBouncedDate",
)  # fmt: skip
_PARTS = ("Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude", "GeocodeAccuracy", "Address")
_ADDRESSES = tuple(f"{kind}{part}" for kind in ("Mailing", "Other") for part in _PARTS)
_SUMMARIES = ("summaryOperation", "summaryForeignKey", "summarizedField", "summaryFilterItems")


def person_fields(contact: Definition) -> list[Definition]:
    """The standard fields of a person on Account."""
    fields = {f["name"]: f for f in contact["fields"]}
    parts = [_mirror({**fields[n], "nameField": n != "Salutation", "nillable": True}, n) for n in NAME_PARTS]
    return [*parts, *(_person_field(fields[n]) for n in (*_ADDRESSES, *_PLAIN))]


def _person_field(found: Definition) -> Definition:
    name = found["name"]
    compound = f"Person{found['compoundFieldName']}" if found["compoundFieldName"] else None
    changed: Definition = {"label": _RENAMED.get(name, found["label"]), "compoundFieldName": compound}
    if name == "Title":
        changed["length"] = 80
    if found["type"] == "boolean":
        changed["permissionable"] = True
    return _mirror({**found, **changed}, f"Person{name}")


def _mirror(found: Definition, name: str) -> Definition:
    contact_name = name.removeprefix("Person")
    return {**found, "name": name, "mirrors": f"Contact.{contact_name}"}


def mirror_custom(raw: Definition) -> Definition:
    """A custom field of Contact as it appears on Account; what is computed is computed on the contact."""
    name = raw["name"].removesuffix("__c") + "__pc"
    mirrored = {
        **{k: v for k, v in raw.items() if k not in (*_SUMMARIES, "required", "unique", "trackHistory", "autoNumber")},
        "name": name,
        "label": raw.get("label") or raw["name"],
        "mirrors": f"Contact.{raw['name']}",
        "childRelationshipName": None,
        "relationshipName": name.removesuffix("__pc") + "__pr" if raw.get("referenceTo") else None,
        "custom": True,
    }
    if raw["type"] != "boolean":
        mirrored |= {"nillable": True, "defaultValue": None, "picklistValues": _undefaulted(raw)}
    if raw.get("calculated") or raw.get("autoNumber"):
        mirrored |= {"calculated": True, "calculatedFormula": f"PersonContact.{raw['name']}"}
    return mirrored


def _undefaulted(raw: Definition) -> list[Definition]:
    """A company gets no default of a person's field."""
    return [{**v, "defaultValue": False} for v in raw.get("picklistValues") or ()]
