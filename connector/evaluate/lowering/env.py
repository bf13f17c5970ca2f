"""What lowering has to be told about the place where an expression is evaluated.

Implemented by evaluate, once for subjects and once for each kind of child record; used by lower.py and its tables.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

from sqlglot import exp

from connector.evaluate.lowering.sql import Sql
from connector.mapping.language.tree import Aggregate, CtaDone, Fact, Field, Name, Param


class Env(Protocol):
    """Where an expression is evaluated. Columns are of the types that `sql_type` gives."""

    @property
    def dialect(self) -> str:
        """A key of lowering.functions.TABLES."""

    @property
    def today(self) -> date:
        """The day of the run in the model's zone."""

    @property
    def now(self) -> datetime:
        """The run's as_of; aware."""

    @property
    def zone(self) -> str:
        """IANA name of the model's zone."""

    def column(self, node: Field | Fact | Name | CtaDone) -> Sql:
        """The raw column: blank text still NULL, `stage` and `segment` '' where there is none. For a Field behind
        steps also the parent's Id is asked for."""

    def aggregate(self, node: Aggregate) -> Sql:
        """The column of a computed aggregate, NULL for a subject without child records."""

    def param(self, node: Param) -> Sql:
        """A parameter's value for the visit's segment; a duration as the count of its type's unit."""

    def incomplete(self, sobject: str, field: str) -> str | None:
        """Why nothing can be said about this field of this sObject in this run; None when it can."""

    def incomplete_fact(self, key: str) -> str | None:
        """Why a fact rests on something incomplete (for some subjects it may be known all the same); None when not."""

    def calendar(self) -> exp.Table:
        """A table (day DATE, working BOOLEAN, n BIGINT): every day of some decades, whether it is worked, and how many
        worked days there are up to and with it."""
