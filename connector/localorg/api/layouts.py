"""Routes of page layouts: those of an object, and the one of a record type (REST guide, sObject Layouts)."""

from connector.localorg import errors
from connector.localorg.api.visit import Visit
from connector.localorg.api.wire import Call, Reply
from connector.localorg.definitions import ObjectDef
from connector.localorg.describe_layouts import LayoutView, describe_layout, describe_layouts
from connector.localorg.ids import to_id18


def list_layouts(visit: Visit, call: Call, name: str) -> Reply:  # noqa: ARG001 - routes share one signature
    """GET sobjects/X/describe/layouts"""
    definition = _find_layoutable(visit, name)
    return Reply(200, describe_layouts(_view(visit, definition), definition))


def show_layout(visit: Visit, call: Call, name: str, key: str) -> Reply:  # noqa: ARG001 - routes share one signature
    """GET sobjects/X/describe/layouts/RECORDTYPEID"""
    definition = _find_layoutable(visit, name)
    found = describe_layout(_view(visit, definition), definition, to_id18(key) or key)
    if found is None:
        raise errors.resource_missing()
    return Reply(200, found)


def _find_layoutable(visit: Visit, name: str) -> ObjectDef:
    definition = visit.find_object(name)
    if not definition.raw["layoutable"]:
        raise errors.resource_missing()
    return definition


def _view(visit: Visit, definition: ObjectDef) -> LayoutView:
    txn = visit.txn
    types = txn.select("RecordType", {"SobjectType": definition.name})
    return LayoutView(visit.org.schema, txn.setup, txn.access, visit.version, txn.pod, types)
