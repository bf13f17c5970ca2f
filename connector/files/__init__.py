"""Reads users' files (mappings in YAML, jobs and settings in TOML) with the place of everything in them.

Used by settings, jobs and mapping. Knows nothing of what the files mean.
"""

from connector.files.position import Document, Path, Position
from connector.files.toml import parse_toml, read_toml
from connector.files.yaml import parse_yaml, read_yaml

__all__ = ["Document", "Path", "Position", "parse_toml", "parse_yaml", "read_toml", "read_yaml"]
