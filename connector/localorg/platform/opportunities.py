"""Opportunities: what the stage decides, and the history row of every change that matters (reference 7.2)."""

from connector.localorg.platform.activities import merged
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction

_HISTORY_FIELDS = ("StageName", "Amount", "ExpectedRevenue", "CloseDate", "Probability", "ForecastCategory")
_WATCHED = ("StageName", "Amount", "CloseDate", "Probability", "ForecastCategory")


def derive_stage(txn: Transaction, old: Row, changes: Row) -> None:
    """IsWon, IsClosed and ForecastCategory come from OpportunityStage; Probability too unless given (7.2)."""
    stage = changes.get("StageName")
    if stage is None or stage == old.get("StageName"):
        return
    found = next(iter(txn.select("OpportunityStage", {"MasterLabel": stage})), {})
    changes["IsClosed"], changes["IsWon"] = found.get("IsClosed", 0), found.get("IsWon", 0)
    changes["ForecastCategory"] = found.get("ForecastCategory", "Pipeline")
    if changes.get("ForecastCategoryName") is None:
        changes["ForecastCategoryName"] = found.get("ForecastCategoryName", "Pipeline")
    if changes.get("Probability") is None:
        changes["Probability"] = found.get("DefaultProbability", 0.0)
    if old:
        changes["LastStageChangeDate"] = txn.now


def derive_amounts(txn: Transaction, old: Row, changes: Row) -> None:  # noqa: ARG001 - one signature for all behaviours
    """ExpectedRevenue is Amount times Probability (object reference, Opportunity)."""
    amount, probability = merged(old, changes, "Amount"), merged(old, changes, "Probability")
    if "Amount" in changes or "Probability" in changes:
        changes["ExpectedRevenue"] = None if amount is None else round(amount * (probability or 0.0) / 100, 2)


def derive_fiscal_period(txn: Transaction, old: Row, changes: Row) -> None:  # noqa: ARG001 - one signature for all behaviours
    """Fiscal year and quarter of CloseDate.

    The org's fiscal year starts in January (Organization.FiscalYearStartMonth).
    """
    close = changes.get("CloseDate")
    if close is None:
        return
    year, quarter = int(close[:4]), (int(close[5:7]) + 2) // 3
    changes["FiscalYear"], changes["FiscalQuarter"], changes["Fiscal"] = year, quarter, f"{year} {quarter}"


def record_history(txn: Transaction, old: Row, new: Row) -> None:
    """A snapshot row on creation and on each change of stage, amount, close date, probability or forecast
    category (7.2).
    """
    definition = txn.schema.find("OpportunityHistory")
    if definition is None or (old and all(old.get(n) == new.get(n) for n in _WATCHED)):
        return
    row: Row = {"OpportunityId": new["Id"], **{n: new.get(n) for n in _HISTORY_FIELDS}}
    if old:
        row |= {"PrevAmount": old.get("Amount"), "PrevCloseDate": old.get("CloseDate")}
    history_id = txn.insert(definition, row)
    _remember_last_change(txn, old, new, history_id)


def _remember_last_change(txn: Transaction, old: Row, new: Row, history_id: str) -> None:
    """LastAmountChangedHistoryId and LastCloseDateChangedHistoryId point at the row of the latest such change."""
    definition = txn.schema.get("Opportunity")
    pairs = (("Amount", "LastAmountChangedHistoryId"), ("CloseDate", "LastCloseDateChangedHistoryId"))
    changed = {p: history_id for f, p in pairs if old and old.get(f) != new.get(f) and definition.has(p)}
    txn.derive(definition, new["Id"], dict(changed), stamp=False)
