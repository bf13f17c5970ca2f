"""Describes of Salesforce's standard objects, shipped with the program for checks without an org.

Package data, derived from the platform's own describe (tests/unit/mapping/test_standard.py keeps it equal to what
the local org serves). A real org's describe always wins where there is one.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

from connector.describe import Describes, read_describe

DATA = "describe_data/standard.json"


@cache
def standard_describes() -> Describes:
    """Every standard object by API name, in a single-currency org without person accounts."""
    text = resources.files("connector").joinpath(DATA).read_text(encoding="utf-8")
    return {body["name"]: read_describe(body) for body in json.loads(text)}
