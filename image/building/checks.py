"""What must not be in an image: secrets, identities, passwords, and what a build leaves behind. Reads a root's tree."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

_PRIVATE_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\r?\n(?:[A-Za-z-]+: [^\n]*\n)*\s*[A-Za-z0-9+/=\r\n]{60}"
)
_LARGEST_KEY_FILE = 1_000_000
_FORBIDDEN = (
    ("etc/ssh/ssh_host_*", "an SSH host key"),
    ("root/.*", "something in root's home"),
    ("home/*", "somebody's home"),
    ("**/authorized_keys", "keys that may log in"),
    ("etc/wpa_supplicant/*.conf", "a Wi-Fi password's file"),
    ("var/lib/systemd/random-seed", "a random seed: the same on every machine"),
    ("var/lib/systemd/credential.secret", "a credential secret: the same on every machine"),
    ("var/lib/dbus/machine-id", "a machine id: the same on every machine"),
    ("var/lib/apt/lists/*", "apt's lists"),
    ("var/cache/apt/*", "apt's cache"),
    ("var/log/**/*.log", "the build's logs"),
    ("etc/apt/sources.list", "the builder's mirror"),
    ("etc/apt/sources.list.d/*", "the builder's mirror"),
    ("usr/sbin/policy-rc.d", "the build's own tool"),
    ("usr/lib/shelfwire-native", "the build's own tool"),
    ("opt/shelfwire/*.dist-info/direct_url.json", "the builder's index"),
)
_MAY_BE_SETUID = frozenset(
    f"usr/bin/{name}" for name in ("chfn", "chsh", "gpasswd", "mount", "newgrp", "passwd", "su", "umount")
) | {
    "usr/lib/dbus-1.0/dbus-daemon-launch-helper",
    "usr/lib/polkit-1/polkit-agent-helper-1",
    "usr/lib/openssh/ssh-keysign",
}


def findings(root: Path) -> list[str]:
    """Give what is wrong with the tree, a line each; none if it may leave the house."""
    wrong = [f"{path}: {what}" for pattern, what in _FORBIDDEN for path in _matching(root, pattern)]
    machine_id = root / "etc/machine-id"
    if machine_id.is_file() and machine_id.stat().st_size:
        wrong.append("etc/machine-id: a machine id: the same on every machine")
    wrong += _accounts(root)
    for path in _files(root):
        name = str(path.relative_to(root))
        mode = path.lstat().st_mode
        if mode & stat.S_ISUID and name not in _MAY_BE_SETUID:
            wrong.append(f"{name}: runs as its owner (setuid), and is not on the list")
        if mode & stat.S_IWOTH:
            wrong.append(f"{name}: anybody may write to it")
        if path.lstat().st_size <= _LARGEST_KEY_FILE and _PRIVATE_KEY.search(path.read_bytes()):
            wrong.append(f"{name}: a private key")
    documents = [each for each in _files(root / "usr/share/doc") if each.name != "copyright"]
    if documents:
        wrong.append(f"usr/share/doc: {len(documents)} files that are no licence")
    return sorted(set(wrong))


def _matching(root: Path, pattern: str) -> Iterator[str]:
    for path in root.glob(pattern):
        if path.name not in (".", ".."):
            yield str(path.relative_to(root))


def _files(root: Path) -> Iterator[Path]:
    """Give every regular file below `root`, following no link."""
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def _accounts(root: Path) -> Iterator[str]:
    """Give what is wrong with the accounts: none has a password, only root is number 0."""
    for name in ("shadow", "passwd", "gshadow"):
        path = root / "etc" / name
        if not path.is_file():
            continue
        for line in path.read_text().splitlines():
            fields = line.split(":")
            if len(fields) < 2:
                continue
            locked = fields[1][:1] in ("!", "*") and len(fields[1].strip("!*")) == 0
            if name == "passwd":
                if fields[1] != "x":
                    yield f"etc/passwd: {fields[0]} has a password there"
                if len(fields) > 2 and fields[2] == "0" and fields[0] != "root":
                    yield f"etc/passwd: {fields[0]} is number 0, as root is"
            elif not locked and (name == "shadow" or fields[1]):
                yield f"etc/{name}: {fields[0]} has a password" if fields[1] else f"etc/{name}: {fields[0]} needs none"
    for backup in ("shadow-", "passwd-", "group-", "gshadow-"):
        if (root / "etc" / backup).exists():
            yield f"etc/{backup}: left over from the build"
