"""The files laid over the image's root, held to systemd's own judgement and to what is promised of them."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from edge.hardware.slots import PLACE

pytestmark = pytest.mark.needs_image

ROOT = Path("image/root")
KINDS = ("station", "hub")
UNITS = Path("usr/lib/systemd/system")
EXPOSURE = 20
"""The most that `systemd-analyze security` may say, in tenths."""
APART = frozenset({"rauc.service"})
"""RAUC's own service mounts bundles and writes partitions."""
OURS = sorted(path for path in ROOT.glob(f"*/{UNITS}/*.service") if path.name not in APART)


def analyze(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("unit", OURS, ids=lambda path: path.name)
def test_a_unit_of_ours_is_shut_in(unit: Path) -> None:
    code, said = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", str(unit))
    assert code == 0, said
    assert "Overall exposure level" in said


def test_a_unit_that_is_not_shut_in_is_noticed(tmp_path: Path) -> None:
    loose = tmp_path / "loose.service"
    loose.write_text("[Service]\nExecStart=/bin/true\n")
    code, _ = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", str(loose))
    assert code != 0


def laid(folder: Path, kind: str) -> Path:
    """Lay the files over a root in which the programs are that units name."""
    for part in ("common", kind):
        shutil.copytree(ROOT / part, folder, dirs_exist_ok=True, symlinks=True)
    for unit in folder.glob(f"{UNITS}/**/*"):
        if unit.is_file():
            for program in re.findall(r"^Exec\w+=[-+!@:]*(/\S+)", unit.read_text(), re.MULTILINE):
                path = folder / program.lstrip("/")
                if not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text("#!/bin/sh\n")
                    path.chmod(0o755)
    return folder


def verify(root: Path, units: list[Path]) -> tuple[int, str]:
    return analyze("verify", f"--root={root}", "--man=no", "--recursive-errors=no", *map(str, units))


@pytest.mark.parametrize("kind", KINDS)
def test_systemd_finds_no_fault_in_any_unit(tmp_path: Path, kind: str) -> None:
    root = laid(tmp_path / "root", kind)
    units = sorted(path for path in (root / UNITS).iterdir() if path.is_file())
    assert len(units) > 8
    code, said = verify(root, units)
    assert (code, said) == (0, "")
    broken = root / UNITS / "shelfwire-broken.service"
    broken.write_text("[Service]\nExecStart=/nowhere/at/all\nRestrat=always\n")
    assert verify(root, [broken]) != (0, "")


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_presets_start_is_there_or_comes_with_debian(tmp_path: Path, kind: str) -> None:
    root = laid(tmp_path / "root", kind)
    debian = {"systemd-networkd", "systemd-resolved", "chrony", "nftables", "fstrim", "pcscd", "mosquitto"}
    started = set()
    for preset in sorted((root / "usr/lib/systemd/system-preset").iterdir()):
        started |= set(re.findall(r"^enable (\S+)", preset.read_text(), re.MULTILINE))
    for unit in started:
        assert (root / UNITS / unit).exists() or unit.rpartition(".")[0] in debian, unit
    ours = {path.name for path in (root / UNITS).iterdir() if path.is_file() and "[Install]" in path.read_text()}
    assert ours <= started, "a unit that could be started and is not"
    assert (root / "usr/lib/systemd/system-preset/99-shelfwire.preset").read_text() == "disable *\n"


PORTS = {"station": set(), "hub": {"8883", "8443", "123", "5353"}}
"""What may be knocked at from outside; docs/image-system.md lists the same. UDP 68, 546 and 5353 are for answers."""


@pytest.mark.parametrize("kind", KINDS)
def test_the_firewall_opens_what_is_documented_and_drops_the_rest(kind: str) -> None:
    rules = (ROOT / kind / "etc/nftables.conf").read_text()
    assert "hook input priority filter; policy drop;" in rules
    assert "hook forward priority filter; policy drop;" in rules
    opened = [line for line in rules.splitlines() if "dport" in line and "accept" in line and "sport" not in line]
    assert {one for line in opened for one in re.findall(r"dport (\d+)", line)} == PORTS[kind]
    assert sum("@for_a_time" in line for line in opened) == 1
    documented = (Path("docs") / "image-system.md").read_text()
    for port in PORTS[kind]:
        assert f"| {port}/" in documented, port


def test_the_agent_is_let_to_what_it_tells_the_hub_of_its_machine() -> None:
    unit = (ROOT / "station" / UNITS / "shelfwire-agent.service").read_text()
    hidden = [
        Path(path.lstrip("-/"))
        for line in re.findall(r"^(?:InaccessiblePaths|TemporaryFileSystem)=(.*)$", unit, re.MULTILINE)
        for path in line.split()
    ]
    assert hidden
    assert not [folder for folder in hidden if Path(PLACE).is_relative_to(folder)]
    made = (ROOT / "common/usr/lib/tmpfiles.d/shelfwire.conf").read_text()
    assert re.search(r"^d /data/slots +0755 ", made, re.MULTILINE), "the agent is nobody's, and reads in it"


def test_nobody_has_a_password_a_key_or_the_rights_of_root() -> None:
    accounts = "".join(path.read_text() for path in ROOT.glob("*/usr/lib/sysusers.d/*"))
    assert re.findall(r"^m \S+ (\S+)", accounts, re.MULTILINE) == ["systemd-journal", "dialout", "input", "gpio"]
    for path in ROOT.rglob("*"):
        assert "PRIVATE KEY" not in (path.read_text() if path.is_file() else ""), path
        assert path.name not in {"shadow", "machine-id", "authorized_keys", "sudoers"}, path
    sshd = (ROOT / "common/etc/ssh/sshd_config.d/10-shelfwire.conf").read_text()
    for line in ("PermitRootLogin no", "PasswordAuthentication no", "AllowUsers technician"):
        assert line in sshd.splitlines()


def test_scripts_can_be_run_and_are_understood_by_the_shell() -> None:
    scripts = [path for path in ROOT.glob("*/usr/lib/shelfwire/*") if path.is_file()]
    assert scripts
    for script in scripts:
        assert stat.S_IMODE(script.stat().st_mode) == 0o755, script
        assert subprocess.run(["sh", "-n", str(script)], capture_output=True, check=False).returncode == 0, script


# What the scripts do


def time_from_hub(tmp_path: Path, server: str) -> subprocess.CompletedProcess[str]:
    told, folder = tmp_path / "time-server", tmp_path / "chrony.d"
    folder.mkdir(exist_ok=True)
    told.write_text(server)
    script = ROOT / "station/usr/lib/shelfwire/time-from-hub"
    return subprocess.run(["sh", str(script), str(told), str(folder)], capture_output=True, text=True, check=False)


def test_the_hub_becomes_time_server_unless_the_technician_named_one(tmp_path: Path) -> None:
    assert time_from_hub(tmp_path, "192.168.7.2\n").returncode == 0
    assert (tmp_path / "chrony.d/hub.sources").read_text() == "server 192.168.7.2 iburst prefer\n"
    (tmp_path / "chrony.d/technician.sources").write_text("server ntp.example\n")
    assert time_from_hub(tmp_path, "192.168.7.9\n").returncode == 0
    assert "192.168.7.2" in (tmp_path / "chrony.d/hub.sources").read_text()


@pytest.mark.parametrize("server", ["", "a b", "a\nallow all", "-x", "x;y"])
def test_an_agent_cannot_write_into_the_time_services_settings(tmp_path: Path, server: str) -> None:
    assert time_from_hub(tmp_path, server).returncode != 0
    assert not (tmp_path / "chrony.d/hub.sources").exists()


def keep_errors(tmp_path: Path, journal: str) -> Path:
    fake = tmp_path / "journalctl"
    fake.write_text(f"#!/bin/sh\ncat {tmp_path}/journal\n")
    fake.chmod(0o755)
    (tmp_path / "journal").write_text(journal)
    folder = tmp_path / "kept"
    folder.mkdir(exist_ok=True)
    script = str(ROOT / "common/usr/lib/shelfwire/keep-errors")
    subprocess.run(["sh", script, str(folder)], env={"JOURNALCTL": str(fake), "PATH": "/usr/bin:/bin"}, check=True)
    return folder


def test_errors_are_kept_and_bounded_whatever_a_device_spams(tmp_path: Path) -> None:
    folder = keep_errors(tmp_path, "one error\n")
    assert (folder / "errors.txt").read_text() == "one error\n"
    keep_errors(tmp_path, "")
    assert (folder / "errors.txt").read_text() == "one error\n"
    for _ in range(40):
        keep_errors(tmp_path, "spam\n" * 40_000)
    sizes = [each.stat().st_size for each in folder.iterdir()]
    assert max(sizes) < 640 * 1024
    assert sum(sizes) < 1280 * 1024


@pytest.mark.parametrize("unit", OURS, ids=lambda path: path.name)
def test_a_unit_that_needs_a_device_is_started_by_it(unit: Path) -> None:
    """Started by a target instead, it would have all that comes after it wait for a device that may never be there."""
    text = unit.read_text("utf-8")
    needed = re.findall(r"^(?:BindsTo|Requires)=(\S+\.device)$", text, re.MULTILINE)
    wanted = re.findall(r"^WantedBy=(\S+)$", text, re.MULTILINE)
    assert not needed or wanted == needed


def test_what_starts_early_waits_for_the_folders_that_it_gets_of_its_own() -> None:
    """/var begins empty: a private /tmp and /var/tmp cannot be laid over what is not made yet (226/NAMESPACE)."""
    early = [
        unit for unit in OURS if "DefaultDependencies=no" in unit.read_text() and "PrivateTmp=" in unit.read_text()
    ]
    # Debian's own, which starts as early and has them too.
    early.append(ROOT / "common" / UNITS / "systemd-resolved.service.d/50-shelfwire.conf")
    assert len(early) > 1
    for unit in early:
        assert re.search(r"^After=.*\bsystemd-tmpfiles-setup\.service\b", unit.read_text(), re.MULTILINE), unit


def test_what_is_mounted_anew_for_a_unit_is_so_in_the_first_namespace() -> None:
    """With `+` a command has every right, and yet mounts of its own where the unit has them: they would go with it."""
    lines = [line for unit in OURS for line in unit.read_text().splitlines() if "remount" in line and "Exec" in line]
    assert lines
    assert all("nsenter --target 1 --mount" in line for line in lines), lines


def test_nothing_takes_back_that_readers_are_the_agents() -> None:
    """A file named by `EnvironmentFile=` is read after `Environment=`, and Debian's sets the word to nothing."""
    said = (ROOT / "station" / UNITS / "pcscd.service.d/50-shelfwire.conf").read_text()
    assert said.splitlines()[-2:] == ["EnvironmentFile=", "Environment=PCSCD_ARGS=--disable-polkit"]
