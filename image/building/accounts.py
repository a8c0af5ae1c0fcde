"""The shells of the accounts: what sysusers.d says, also where an account was there before, for its number's sake.

systemd-sysusers leaves alone what there is, and those of `ids.txt` are laid down before any package, without a shell.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Final

SYSUSERS: Final = "usr/lib/sysusers.d"
_SHELL: Final = 5
"""u NAME ID "What for" HOME SHELL"""


def give_shells(root: Path) -> None:
    """Write into `etc/passwd` of a root what our files of sysusers.d say."""
    passwd = root / "etc/passwd"
    said = (path.read_text("utf-8") for path in sorted((root / SYSUSERS).glob("shelfwire*.conf")))
    passwd.write_text(with_shells(passwd.read_text("utf-8"), said), "utf-8")


def with_shells(passwd: str, sysusers: Iterable[str]) -> str:
    """Give `passwd` with the shells that files of sysusers.d(5) name; who has none there keeps what he has."""
    rows = [shlex.split(line, comments=True) for text in sysusers for line in text.splitlines()]
    shells = {row[1]: row[_SHELL] for row in rows if len(row) > _SHELL and row[0] == "u" and row[_SHELL] != "-"}
    accounts = [line.split(":") for line in passwd.splitlines()]
    return "".join(":".join([*each[:-1], shells.get(each[0], each[-1])]) + "\n" for each in accounts)
