"""Whatever an author does to a file, the answer is a list of problems with places, never a crash."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from small_mapping import MODEL

from connector.files import parse_yaml
from connector.mapping import judge_mapping

_SCRAPS = [
    "",
    " ",
    "\n",
    ":",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "'",
    '"',
    "#",
    " # ",
    ">=",
    "null",
    "0",
    "\t",
    "é",
    ": x",
    "? ",
    "&a ",
    "*a",
]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_read_or_told(text: str) -> None:
    document = parse_yaml(text, "m.yaml")
    assert all(p.message and p.line >= 0 for p in document.problems)


@settings(max_examples=120, deadline=None)
@given(st.integers(0, len(MODEL)), st.integers(0, 40), st.sampled_from(_SCRAPS))
def test_a_damaged_mapping_is_told(start: int, length: int, scrap: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.yaml"
        path.write_text(MODEL[:start] + scrap + MODEL[start + length :], encoding="utf-8")
        judged = judge_mapping(path)
    assert judged.mapping is not None or any(p.severity == "error" for p in judged.problems)
