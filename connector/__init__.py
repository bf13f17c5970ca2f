"""Customer lifecycles on Salesforce: pull, evaluate, plan, apply, report. Start reading in run.py."""

__version__ = "0.1.0"
