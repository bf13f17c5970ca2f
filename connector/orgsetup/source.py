"""Writes field definitions as an SFDX source project that `sf project deploy start` takes.

Equal definitions give equal bytes. Existing files of ours are replaced; nothing else in the directory is touched.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from connector.data import Needs
from connector.mapping import FieldDefinition
from connector.orgsetup.metadata import field_xml, permission_set_xml

SOURCE_API_VERSION = "62.0"
PERMISSION_SET = "Lifecycle_Connector"
_ROOT = Path("force-app/main/default")
_README = """\
What the lifecycle connector needs in your org
==============================================

1. Deploy the fields and the permission set. Look first, then deploy:

       sf project deploy start --source-dir force-app --target-org YOUR_ORG --dry-run
       sf project deploy start --source-dir force-app --target-org YOUR_ORG

2. Assign the permission set {permission_set} to the user that the connector runs as:

       sf org assign permset --name {permission_set} --on-behalf-of USERNAME --target-org YOUR_ORG

   It lets the user see all records of what your rules read, and the standard fields of Account, Case, Contact, Event,
   Lead and Opportunity that they mention. Fields of other objects (Asset, Contract, Task, custom ones of your own) it
   may still lack, and it must be able to edit every account that the model judges (by its role, by sharing, or by
   Modify All). What is missing, `connector doctor` names.

3. Add a closed Task status called "{status}". It marks Tasks that nobody needs any more; a Task closed with any other
   closed status counts as done by a person. Setup > Object Manager > Task > Fields & Relationships > Status > New,
   then tick "Closed". It is not part of the deployment, because a deployed list of statuses would replace yours.

4. Keep {state} off page layouts: it is the connector's own memory. People use the override fields instead.

Fields
------

{fields}
"""


def export_source(
    directory: Path,
    definitions: Sequence[FieldDefinition],
    *,
    needs: Needs,
    not_needed: str = "Not needed",
    permission_set: str = PERMISSION_SET,
) -> tuple[Path, ...]:
    """Writes the project into `directory` (made if missing) and returns the files, sorted."""
    files = {
        Path("README.txt"): _readme(definitions, permission_set, not_needed),
        Path("sfdx-project.json"): _project(),
        _ROOT / "permissionsets" / f"{permission_set}.permissionset-meta.xml": permission_set_xml(
            permission_set.replace("_", " "), definitions, needs
        ),
    }
    for definition in definitions:
        path = _ROOT / "objects" / definition.sobject / "fields" / f"{definition.name}.field-meta.xml"
        files[path] = field_xml(definition)
    for path, text in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
    return tuple(sorted(directory / path for path in files))


def _project() -> str:
    project = {
        "packageDirectories": [{"path": "force-app", "default": True}],
        "namespace": "",
        "sfdcLoginUrl": "https://login.salesforce.com",
        "sourceApiVersion": SOURCE_API_VERSION,
    }
    return json.dumps(project, indent=2) + "\n"


def _readme(definitions: Sequence[FieldDefinition], permission_set: str, status: str) -> str:
    rows = [f"{d.sobject}.{d.name} ({d.label}): {d.help}" for d in definitions]
    states = [f"{d.sobject}.{d.name}" for d in definitions if d.source.endswith(".write.state")]
    return _README.format(
        permission_set=permission_set,
        status=status,
        fields="\n".join(rows),
        state=", ".join(states) or "the state field",
    )
