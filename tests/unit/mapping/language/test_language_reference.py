"""The generated reference names everything there is, and what it says about limits is what the parser does."""

import pytest
from small_org import SCOPE, at

from connector.mapping.language import parse
from connector.mapping.language.aggregates import MEANINGS
from connector.mapping.language.functions import FUNCTIONS
from connector.mapping.language.grammar import KEYWORDS
from connector.mapping.language.reference import reference
from connector.mapping.language.syntax import AGGREGATES
from connector.mapping.language.unavailable import UNAVAILABLE

LISTED = (
    "ABS ACOS ADDMONTHS AND ASCII ASIN ATAN ATAN2 BEGINS BLANKVALUE BR CASE CASESAFEID CEILING CHR "
    "CONTAINS COS CURRENCYRATE DATE DATETIMEVALUE DATEVALUE DAY DAYOFYEAR DISTANCE EXP FIND FLOOR "
    "FORMATDURATION FROMUNIXTIME GEOLOCATION GETRECORDIDS GETSESSIONID HOUR HTMLENCODE HYPERLINK IF IMAGE "
    "IMAGEPROXYURL INCLUDE INCLUDES INITCAP ISBLANK ISCHANGED ISCLONE ISNEW ISNULL ISNUMBER ISOWEEK "
    "ISOYEAR ISPICKVAL JSENCODE JSINHTMLENCODE JUNCTIONIDLIST LEFT LEN LINKTO LN LOG LOWER LPAD MAX "
    "MCEILING MFLOOR MID MILLISECOND MIN MINUTE MOD MONTH NOT NOW NULLVALUE OR PARENTGROUPVAL PI "
    "PICKLISTCOUNT PREDICT PREVGROUPVAL PRIORVALUE REGEX REQUIRESCRIPT REVERSE RIGHT ROUND RPAD SECOND "
    "SIN SQRT SUBSTITUTE TAN TEXT TIMENOW TIMEVALUE TODAY TRIM TRUNC UNIXTIMESTAMP UPPER URLENCODE URLFOR "
    "VALUE VLOOKUP WEEKDAY YEAR "
)
SALESFORCE = LISTED.split()
"""Salesforce Help, "Formula Operators and Functions A-Z"."""


@pytest.mark.parametrize("name", SALESFORCE)
def test_every_function_of_salesforce_is_there_or_says_why_not(name: str) -> None:
    assert (name in FUNCTIONS) != (name in UNAVAILABLE)


def test_about_sixty_functions_of_salesforce_are_there() -> None:
    assert len(FUNCTIONS) >= 60
    assert set(FUNCTIONS) <= set(SALESFORCE)


def test_the_reference_names_every_function_and_aggregate_with_its_example() -> None:
    page = reference()
    for function in FUNCTIONS.values():
        assert f"| `{function.usage}` | {function.meaning} | `{function.example}` |" in page
    for aggregate in MEANINGS.values():
        assert f"`{aggregate.usage}` | {aggregate.meaning} | `{aggregate.example}`" in page
    for name, reason in UNAVAILABLE.items():
        assert f"| `{name}` | {reason} |" in page
    assert all(word in page for word in KEYWORDS)


@pytest.mark.parametrize("kind", sorted(AGGREGATES))
def test_the_example_of_each_aggregate_is_an_expression(kind: str) -> None:
    example = next(m.example for k, m in MEANINGS.items() if k == kind)
    assert [a.kind for a in parse(example, at(example), SCOPE).aggregates] == [kind]
