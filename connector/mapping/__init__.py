"""Loads and checks mapping files: the model, its expressions, what it needs from the org and what it writes there."""
