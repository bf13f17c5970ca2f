"""Headers that say how records are saved (reference 4.4). Called by the router for every call and subrequest."""

import re

from connector.localorg.api.wire import Call
from connector.localorg.transaction import SaveOptions

_ALLOW_SAVE = re.compile(r"allowSave\s*=\s*true", re.IGNORECASE)


def read_save_options(call: Call) -> SaveOptions:
    """Assignment rules fire unless told otherwise; duplicates are refused unless told otherwise."""
    return SaveOptions(
        allow_duplicates=_ALLOW_SAVE.search(call.header("sforce-duplicate-rule-header")) is not None,
        auto_assign=call.header("sforce-auto-assign").strip().lower() != "false",
    )
