"""Page layouts of a source directory. Called by `read_source`; what they name is checked when an org takes them."""

from pathlib import Path
from typing import cast
from urllib.parse import unquote

from connector.localorg.layouts import BEHAVIORS, STYLES, Behavior, Layout, LayoutItem, LayoutList, LayoutSection
from connector.localorg.sfdx.nodes import Node, parse_source

_SUFFIX = ".layout-meta.xml"
_OTHER_ITEMS = {
    "customLink": "CustomLink",
    "page": "VisualforcePage",
    "scontrol": "SControl",
    "canvas": "Canvas",
    "component": "ExpandedLookup",
    "reportChartComponent": "ReportChart",
    "analyticsCloudComponent": "AnalyticsCloud",
}
"""Items that are no fields, and how describe calls them."""


def read_layouts(directory: Path) -> list[Layout]:
    """All layouts, by name; the name of a layout begins with its object."""
    return [_read_layout(p) for p in sorted(directory.rglob(f"*{_SUFFIX}"))]


def _read_layout(path: Path) -> Layout:
    root = parse_source(path)
    name = unquote(path.name.removesuffix(_SUFFIX))
    sobject, dash, _ = name.partition("-")
    if not dash:
        raise root.refusal(f"a layout's file is called 'Object-Layout Name{_SUFFIX}', not {path.name!r}")
    sections = tuple(_read_section(n) for n in root.all("layoutSections"))
    return Layout(name, sobject, sections, tuple(_read_list(n) for n in root.all("relatedLists")), str(path))


def _read_section(node: Node) -> LayoutSection:
    style = node.need("style")
    if style not in STYLES:
        where = node.find("style") or node
        raise where.refusal(f"<style> is one of {', '.join(STYLES)}, not {style!r}")
    columns = tuple(tuple(_read_item(i) for i in c.all("layoutItems")) for c in node.all("layoutColumns"))
    return LayoutSection(node.get("label") or "", style, columns, node.flag("detailHeading"), node.flag("editHeading"))


def _read_item(node: Node) -> LayoutItem:
    behavior = node.get("behavior") or "Edit"
    if behavior not in BEHAVIORS:
        where = node.find("behavior") or node
        raise where.refusal(f"<behavior> is one of {', '.join(BEHAVIORS)}, not {behavior!r}")
    named = node.find("field")
    if named is not None:
        return LayoutItem("Field", named.text, cast("Behavior", behavior), named.line)
    if node.flag("emptySpace"):
        return LayoutItem("EmptySpace", "", "Edit", node.line)
    for tag, kind in _OTHER_ITEMS.items():
        if node.find(tag) is not None:
            return LayoutItem(kind, (node.get(tag) or "").strip(), "Edit", node.line)
    raise node.refusal(
        "<layoutItems> needs <field>, <emptySpace> or one of " + ", ".join(f"<{t}>" for t in _OTHER_ITEMS)
    )


def _read_list(node: Node) -> LayoutList:
    fields = tuple(f.text for f in node.all("fields"))
    return LayoutList(node.need("relatedList"), fields, node.get("sortField"), node.get("sortOrder"), node.line)
