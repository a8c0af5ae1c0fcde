"""What must not be in an image is found in a root's tree, each kind of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from image.building.checks import findings


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a small root with nothing wrong in it."""
    for folder in ("etc/ssh", "usr/bin", "root", "usr/share/doc/x", "var", "home", "usr/lib"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/machine-id").touch()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/bash\nshelfwire:x:800:800::/data:/usr/sbin/nologin\n")
    (tmp_path / "etc/shadow").write_text("root:*:1::::::\nshelfwire:!:1::::::\nsshd:!*:1::::::\n")
    (tmp_path / "etc/gshadow").write_text("root:*::\nshelfwire:!::\n")
    (tmp_path / "usr/share/doc/x/copyright").write_text("free")
    (tmp_path / "usr/lib/libcrypto.so").write_bytes(b"\0-----BEGIN PRIVATE KEY-----\0-----BEGIN EC PRIVATE KEY-----\0")
    return tmp_path


def write(path: str, text: str = "x") -> Callable[[Path], object]:
    def do(root: Path) -> None:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    return do


def a_key(root: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    (root / "usr/lib/left-over").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def test_a_clean_root_may_leave(root: Path) -> None:
    assert findings(root) == []


@pytest.mark.parametrize(
    ("plant", "told"),
    [
        pytest.param(write("etc/ssh/ssh_host_ed25519_key"), "an SSH host key", id="host key"),
        pytest.param(write("etc/machine-id", "0" * 32), "a machine id", id="machine id"),
        pytest.param(write("var/lib/dbus/machine-id", "0" * 32), "a machine id", id="machine id of dbus"),
        pytest.param(write("etc/shadow", "root:$y$j9T$abc:1::::::\n"), "root has a password", id="password"),
        pytest.param(write("etc/shadow", "pi::1::::::\n"), "pi needs none", id="empty password"),
        pytest.param(write("etc/passwd", "pi::1000:1000::/:/bin/sh\n"), "pi has a password there", id="old password"),
        pytest.param(write("etc/passwd", "toor:x:0:0::/:/bin/sh\n"), "toor is number 0", id="second root"),
        pytest.param(write("etc/shadow-", "root:*:1::::::\n"), "left over", id="backup of shadow"),
        pytest.param(a_key, "a private key", id="private key"),
        pytest.param(write("root/.ssh/authorized_keys"), "keys that may log in", id="authorised keys"),
        pytest.param(write("etc/wpa_supplicant/shop.conf"), "a Wi-Fi password", id="wi-fi"),
        pytest.param(write("etc/apt/sources.list", "deb http://mirror.here x"), "the builder's mirror", id="mirror"),
        pytest.param(write("var/lib/apt/lists/x"), "apt's lists", id="apt lists"),
        pytest.param(write("usr/share/doc/x/README"), "no licence", id="documents"),
        pytest.param(write("var/lib/systemd/random-seed"), "a random seed", id="random seed"),
    ],
)
def test_what_must_not_be_in_it_is_found(root: Path, plant: Callable[[Path], object], told: str) -> None:
    plant(root)
    found = findings(root)
    assert any(told in each for each in found), found


def test_a_program_that_runs_as_root_for_anybody_is_on_the_list_or_found(root: Path) -> None:
    for name in ("su", "toy"):
        (root / "usr/bin" / name).write_text("")
        (root / "usr/bin" / name).chmod(0o4755)
    assert findings(root) == ["usr/bin/toy: runs as its owner (setuid), and is not on the list"]


def test_a_file_that_anybody_may_write_is_found(root: Path) -> None:
    (root / "usr/lib/open").write_text("")
    (root / "usr/lib/open").chmod(0o666)
    assert findings(root) == ["usr/lib/open: anybody may write to it"]
