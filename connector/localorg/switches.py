"""What nobody on record has confirmed against a live org, as switches.

Both answers can be set and tested. Read by every rule that leans on one.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Switches:
    """The org's answers to open questions of reference/salesforce-api.md. Defaults are the likelier answer."""

    activity_stamps_account: Literal["always", "when_date_changes"] = "always"
    """2.2: does writing a Task bump Account.SystemModstamp even if LastActivityDate stays the same?"""

    unique_counts_deleted: bool = False
    """7.4: does a record in the recycle bin still occupy its unique value?"""

    unique_counts_archived: bool = True
    """7.4: does an archived Task still occupy its unique value?"""

    delete_stamps: bool = True
    """2.4: does deleting move SystemModstamp?"""

    summary_stamps: Literal["modified", "system", "nothing"] = "modified"
    """2.2: which stamps of a parent move when its roll-up summary changes with a child: all, SystemModstamp, none?"""

    merge_stamps_losers: bool = True
    """2.4: does a merge move SystemModstamp of the records that are merged away?"""

    merge_stamps_children: bool = True
    """2.4: does a merge move SystemModstamp of the children that it re-parents?"""

    archive_stamps: bool = False
    """7.4: does archiving move SystemModstamp of Tasks and Events?"""

    hard_deletes_logged: bool = False
    """2.4: does sobjects/X/deleted list what never went through a recycle bin, such as a CampaignMember?"""

    unknown_member_status: Literal["store", "default"] = "store"
    """7.3: is a CampaignMember.Status that the campaign does not list stored, or replaced by the default?"""

    unreadable_record: Literal["request", "record"] = "request"
    """4.1: does one record with an unknown field or a bad date refuse the whole collections request?"""

    session_seconds: int = 7200
    """1.4: how long a token lives after its last use."""

    bulk_early_results: Literal["empty", "refused"] = "empty"
    """3.1: are results of a query job that is not complete an empty 204, or a 400?"""

    bulk_hard_delete: bool = True
    """3.2: do users hold the permission Bulk API Hard Delete, which no profile has by default?"""
