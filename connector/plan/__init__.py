"""Step 3: evaluations and what is there now -> the changes that would make the org agree. Pure; start at plan.py."""
