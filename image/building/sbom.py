"""What is in an image, as a bill of materials (CycloneDX 1.6, JSON). Pure: the same text for the same image."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import HeaderParser
from urllib.parse import quote


@dataclass(frozen=True, slots=True, order=True)
class Component:
    """One package. `kind` is `deb` or `pypi`; `generic` for what is in no archive, our kernel modules."""

    kind: str
    name: str
    version: str
    architecture: str = ""
    source: str = ""  # of a Debian package: the source package's name, for the security tracker

    @property
    def purl(self) -> str:
        """Give the package URL that scanners for known faults go by."""
        name, version = quote(self.name, safe=".~-"), quote(self.version, safe=".~-")
        if self.kind == "deb":
            return f"pkg:deb/debian/{name}@{version}?arch={self.architecture}&distro=debian-13"
        return f"pkg:{self.kind}/{name}@{version}"


def debian_packages(status: str) -> list[Component]:
    """Read dpkg's `status`: the packages that are installed, in order of names."""
    found = []
    for paragraph in status.split("\n\n"):
        if not paragraph.strip():
            continue
        fields = HeaderParser().parsestr(paragraph)
        if fields.get("Status", "").split()[-1:] != ["installed"]:
            continue
        source = fields.get("Source", fields["Package"]).split()[0]
        found.append(Component("deb", fields["Package"], fields["Version"], fields["Architecture"], source))
    return sorted(found)


def wheel(metadata: str) -> Component:
    """Read the METADATA of an installed wheel."""
    fields = HeaderParser().parsestr(metadata)
    return Component("pypi", fields["Name"].lower().replace("_", "-"), fields["Version"])


def cyclonedx(name: str, version: str, commit: str, epoch: int, components: list[Component]) -> str:
    """Give the bill of the image `name`. Its serial number follows from what it says."""
    rows = []
    for each in sorted(set(components)):
        row: dict[str, object] = {
            "type": "library",
            "bom-ref": each.purl,
            "name": each.name,
            "version": each.version,
            "purl": each.purl,
        }
        if each.source and each.source != each.name:
            row["properties"] = [{"name": "debian:source", "value": each.source}]
        rows.append(row)
    told = json.dumps([name, version, commit, epoch, rows])
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, told)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "firmware",
                "bom-ref": name,
                "name": name,
                "version": version,
                "properties": [{"name": "shelfwire:commit", "value": commit}],
            },
        },
        "components": rows,
    }
    return json.dumps(bill, indent=1, ensure_ascii=False) + "\n"
