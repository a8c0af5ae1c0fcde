"""Bundles of updates as the real rauc judges them, the keys they are signed with, and the partitions they go to."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from image.layout import SLOTS, TWO_SLOTS
from tests.integration.image_commands import OVERLAY, bundle, fat, keys, shelfwire, squash


def rauc_info(made: Path, keyring: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["rauc", f"--keyring={keyring}", "info", "--output-format=json", str(made)],
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.needs_image
def test_rauc_takes_a_bundle_for_what_it_is(tmp_path: Path) -> None:
    signed = keys(tmp_path)
    assert (signed / "signer.key").stat().st_mode & 0o077 == 0
    made = bundle(tmp_path, signed)
    told = rauc_info(made, signed / "keyring.pem")
    assert told.returncode == 0, told.stderr
    said = json.loads(told.stdout)
    assert (said["compatible"], said["version"]) == ("shelfwire-station-rpi-arm64", "1.5.0")
    assert [next(iter(image)) for image in said["images"]] == ["rootfs", "boot"], "the boot partition comes last"
    assert said["hooks"] == [] or "hooks" in said

    another = keys(tmp_path, "other")
    assert rauc_info(made, another / "keyring.pem").returncode != 0
    spoilt = bytearray(made.read_bytes())
    spoilt[-100] ^= 1
    made.write_bytes(spoilt)
    assert rauc_info(made, signed / "keyring.pem").returncode != 0


@pytest.mark.needs_image
def test_a_bundle_says_what_its_root_says(tmp_path: Path) -> None:
    signed = keys(tmp_path)
    root = squash(tmp_path)
    common = ("--boot", fat(tmp_path), "--key", signed / "signer.key", "--cert", signed / "signer.pem")
    refused = shelfwire("bundle", tmp_path / "x.raucb", "--root", root, "--version", "1.6.0", *common)
    assert refused.returncode == 1
    assert "is version 1.5.0, not 1.6.0" in refused.stderr
    refused = shelfwire("bundle", tmp_path / "x.raucb", "--root", tmp_path / "boot.vfat", *common)
    assert refused.returncode == 1
    assert not (tmp_path / "x.raucb").exists()


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    folder = keys(tmp_path)
    before = (folder / "signer.key").read_bytes()
    assert shelfwire("keys", folder).returncode == 1
    assert (folder / "signer.key").read_bytes() == before


@pytest.mark.parametrize("kind", ["station", "hub"])
def test_raucs_settings_and_the_layout_name_the_same_partitions(kind: str) -> None:
    text = (OVERLAY / kind / "etc/rauc/system.conf").read_text()
    for number, slot in enumerate(SLOTS):
        root, boot = TWO_SLOTS.root(slot).device, TWO_SLOTS.boot(slot).device
        assert f"[slot.rootfs.{number}]\ndevice={root}\ntype=raw\nbootname={slot}\n" in text
        assert f"[slot.boot.{number}]\ndevice={boot}\ntype=vfat\nparent=rootfs.{number}\n" in text
