"""Loads and checks mapping files: the model, its expressions, what it needs from the org and what it writes there."""

from connector.mapping.fields import FieldDefinition, describe_shape
from connector.mapping.load import Judged, judge_mapping, load_mapping
from connector.mapping.mapping import Mapping

__all__ = ["FieldDefinition", "Judged", "Mapping", "describe_shape", "judge_mapping", "load_mapping"]
