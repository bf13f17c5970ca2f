"""The org's side of a mapping: fields, keys and a permission set as Metadata API source, for a person to deploy.

Called by cli (`connector setup export`). Declares what a mapping needs; never writes to an org by itself.
"""

from connector.orgsetup.fields import fields_of, missing_fields
from connector.orgsetup.source import export_source

__all__ = ["export_source", "fields_of", "missing_fields"]
