"""Step 1: read what changed in the org into the mirror, and say what may be relied on.

Called by run.py through `pull`. Must not know rules or plans. windows.py decides (pure), schema.py keeps describes,
rows.py turns answers into rows, flow.py does it.
"""

from connector.pull.flow import pull
from connector.pull.windows import ObjectQuery, plan_queries

__all__ = ["ObjectQuery", "plan_queries", "pull"]
