"""Step 2: the mapping, compiled once into SQL, judges every subject in the mirror; Python decides the candidates.

Called by run.py and by examples. evaluation.py has the flow, decide.py the stage procedure, explain.py the answer to
"why"; the SQL of conditions comes from lower.py.
"""

from connector.evaluate.evaluation import Evaluated, StageCount, evaluate
from connector.evaluate.explain import Explanation, explain

__all__ = ["Evaluated", "Explanation", "StageCount", "evaluate", "explain"]
