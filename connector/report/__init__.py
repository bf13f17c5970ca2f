"""Step 5: what a run saw, planned and did, as text for people and as JSON for programs.

Called by run.py, which builds a RunReport, and by the command line, which prints what this package renders. Pure:
nothing here asks the org, a database or the clock.
"""

from connector.report.as_json import plan_json, pull_json, run_json
from connector.report.cost import cost_json
from connector.report.doctor_text import Check, Finding, Verdict, checks_json, is_healthy, render_checks
from connector.report.explain_text import explanation_json, render_explanation
from connector.report.plan_text import render_plan
from connector.report.proof_text import agrees, render_proofs
from connector.report.run_text import render_past_run, render_run, render_runs
from connector.report.summary import ApiCost, ModelSummary, RunReport, StageLine, conclude
from connector.report.words import count_of

__all__ = [
    "ApiCost",
    "Check",
    "Finding",
    "ModelSummary",
    "RunReport",
    "StageLine",
    "Verdict",
    "agrees",
    "checks_json",
    "conclude",
    "cost_json",
    "count_of",
    "explanation_json",
    "is_healthy",
    "plan_json",
    "pull_json",
    "render_checks",
    "render_explanation",
    "render_past_run",
    "render_plan",
    "render_proofs",
    "render_run",
    "render_runs",
    "run_json",
]
