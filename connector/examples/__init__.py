"""Worked examples of mappings: records as given, a day, and what must come out, run by the program itself.

Beside run.py in the layers, because examples need evaluate and plan. `run_examples` is the only entrance.
"""

from connector.examples.run import run_examples

__all__ = ["run_examples"]
