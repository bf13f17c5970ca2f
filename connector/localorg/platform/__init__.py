"""What Salesforce does by itself when records are written.

Derived fields, side rows, cascades. Called by writes.py and seeds.

One function per behaviour, each citing its fact (numbers are sections of reference/salesforce-api.md). The
tables below say which behaviours belong to which object; nothing else in the engine knows object names.
"""

from collections.abc import Callable, Mapping

from connector.localorg.definitions import ObjectDef
from connector.localorg.platform import (
    activities,
    campaigns,
    contracts,
    history,
    invitations,
    opportunities,
    people,
    persons,
    summaries,
)
from connector.localorg.platform.deletion import delete_record, purge_record, undelete_record
from connector.localorg.platform.jobs import run_daily_jobs
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction

__all__ = [
    "after_create",
    "after_update",
    "before_create",
    "before_update",
    "delete_record",
    "derive_loaded",
    "purge_record",
    "run_daily_jobs",
    "undelete_record",
]

Before = Callable[[Transaction, Row, Row], None]
"""(transaction, old record or empty, values about to be stored): completes the values in place, or refuses them."""
After = Callable[[Transaction, Row, Row], None]
"""(transaction, old record or empty, new record): writes what follows elsewhere."""

_BEFORE: Mapping[str, tuple[Before, ...]] = {
    "Account": (persons.derive_person,),
    "Task": (activities.refuse_lead_with_what, activities.derive_task, activities.derive_account),
    "Event": (activities.refuse_lead_with_what, activities.derive_event, activities.derive_account),
    "EventRelation": (invitations.refuse_copy,),
    "Opportunity": (opportunities.derive_stage, opportunities.derive_amounts, opportunities.derive_fiscal_period),
    "CampaignMember": (
        campaigns.keep_one_person,
        campaigns.refuse_second_membership,
        campaigns.derive_response,
        campaigns.copy_person,
    ),
    "Contact": (people.derive_name,),
    "Lead": (people.refuse_converted_lead, people.derive_name),
    "User": (people.derive_name,),
    "Contract": (contracts.refuse_activated_create, contracts.derive_status, contracts.derive_end),
    "Case": (contracts.derive_case_closed,),
}
_AFTER: Mapping[str, tuple[After, ...]] = {
    "Account": (persons.keep_person_contact,),
    "Contact": (persons.keep_person_account,),
    "Task": (activities.roll_up_last_activity,),
    "Event": (activities.roll_up_last_activity, invitations.keep_copies),
    "EventRelation": (invitations.invite,),
    "Opportunity": (opportunities.record_history,),
    "Campaign": (campaigns.add_default_statuses,),
    "CampaignMember": (campaigns.count_members,),
}
_LOADED: Mapping[str, tuple[Before, ...]] = {
    "Task": (activities.derive_task, activities.derive_account),
    "Event": (activities.derive_event, activities.derive_account),
    "Opportunity": (opportunities.derive_stage, opportunities.derive_amounts, opportunities.derive_fiscal_period),
    "CampaignMember": (campaigns.derive_response, campaigns.copy_person),
    "Contact": (people.derive_name,),
    "Lead": (people.derive_name,),
    "User": (people.derive_name,),
    "Contract": (contracts.derive_status, contracts.derive_end),
    "Case": (contracts.derive_case_closed,),
}


def before_create(txn: Transaction, definition: ObjectDef, row: Row) -> None:
    """Complete a new record before it is stored."""
    for behave in _BEFORE.get(definition.name, ()):
        behave(txn, {}, row)
    summaries.start_at_zero(txn, definition, row)


def before_update(txn: Transaction, definition: ObjectDef, old: Row, changes: Row) -> None:
    """Complete the changes of a record before they are stored."""
    for behave in _BEFORE.get(definition.name, ()):
        behave(txn, old, changes)


def after_create(txn: Transaction, definition: ObjectDef, row: Row) -> None:
    """Write what follows from a new record."""
    history.record_creation(txn, definition, row)
    for behave in _AFTER.get(definition.name, ()):
        behave(txn, {}, row)
    summaries.roll_up(txn, definition, {}, row)


def after_update(txn: Transaction, definition: ObjectDef, old: Row, new: Row) -> None:
    """Write what follows from a change."""
    history.record_changes(txn, definition, old, new)
    for behave in _AFTER.get(definition.name, ()):
        behave(txn, old, new)
    summaries.roll_up(txn, definition, old, new)
    summaries.refresh_own(txn, definition, old, new)


def derive_loaded(txn: Transaction, definition: ObjectDef, row: Row) -> None:
    """Complete a seeded record: what the seed gives stays, what it leaves out is derived."""
    given = {n: v for n, v in row.items() if v is not None}
    for behave in _LOADED.get(definition.name, ()):
        behave(txn, {}, row)
    summaries.start_at_zero(txn, definition, row)
    row.update(given)
