"""What others wrote is there unchanged, as the page beside it says, and nothing is loaded from anywhere else."""

from __future__ import annotations

import hashlib
import re

from hub.web.app import STATIC
from hub.web.pages import TEMPLATES

VENDOR = STATIC / "vendor"


def test_vendored_files_are_those_that_were_published() -> None:
    told = dict(re.findall(r"\| `([\w.-]+)` \| `[^`]+` \| `([0-9a-f]{64})` \|", (VENDOR / "README.md").read_text()))
    assert set(told) == {path.name for path in VENDOR.glob("*.js")}
    for name, digest in told.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest
    assert "4.0.1" in (VENDOR / "README.md").read_text()
    assert "version='4.0.1'" in (VENDOR / "htmx.min.js").read_text().replace('"', "'")
    assert "Zero-Clause BSD" in (VENDOR / "LICENSE.htmx").read_text()


def test_no_page_or_style_asks_another_server() -> None:
    for path in (*TEMPLATES.glob("*.html"), *STATIC.glob("*.css"), *STATIC.glob("*.js")):
        assert not re.search(r"https?://|@import|url\(", path.read_text()), path.name
