"""What becomes of a technician's file at a start, and that no power cut loses anything of it or does it twice.

Beyond 300 lines because every way that is taken with the file is also cut short at each of its steps.
"""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from protocol.invitation import Invitation, rows, write_invitation
from tests.unit.image_system.machine import BASE, Card, PowerCut, cut_power
from tests.unit.image_system.test_boot_file import KEY

PASSWORD = "correct horse"
DIGITS = write_invitation(Invitation(token=bytes(range(8)), hub="192.168.7.2", port=8443, fingerprint=bytes(16)))
FILE = f"""\
invitation = "{DIGITS}"
time_server = "192.168.7.2"
[network]
address = "192.168.7.21/24"
gateway = "192.168.7.1"
[wifi]
name = "shop"
password = "{PASSWORD}"
country = "DE"
[ssh]
key = "{KEY}"
[devices.scanner]
driver = "keyboard-wedge"
"""
LEAST_STEPS = 40
EVERY = pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.torture)])
"""Every fourth step where time is short; all of them in `make torture`."""


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Card(tmp_path)


def wifi_file(card: Card) -> Path:
    return card.run / "shelfwire/wifi/wpa_supplicant.conf"


def lasting(card: Card) -> list[str]:
    """Every file that is on the card, but for what the machine keeps for root alone."""
    kept = card.data / "network"
    files = [each for each in (*card.config.rglob("*"), *card.data.rglob("*")) if each.is_file()]
    return [each.read_bytes().decode("latin-1") for each in files if kept not in each.parents]


def test_a_machine_that_was_told_nothing_says_so_and_has_what_every_station_has(card: Card) -> None:
    assert card.start().good
    assert (card.station / "edge.toml").read_text() == BASE
    assert "nothing was said to this machine yet" in card.says
    assert not list(card.run.rglob("*.network"))


def test_all_of_it_is_taken_over_and_the_secrets_are_gone_from_the_partition(card: Card) -> None:
    card.write(FILE)
    outcome = card.start()
    assert outcome.good
    assert outcome.ssh
    wired = (card.run / "systemd/network/10-shelfwire-wired.network").read_text()
    assert "Address=192.168.7.21/24\n" in wired
    assert "Gateway=192.168.7.1\n" in wired
    assert f'psk="{PASSWORD}"\n' in wifi_file(card).read_text()
    assert stat.S_IMODE(wifi_file(card).stat().st_mode) == 0o600
    assert stat.S_IMODE((card.data / "network/taken.json").stat().st_mode) == 0o600
    sources = (card.run / "shelfwire/chrony.d/technician.sources").read_text()
    assert sources == "server 192.168.7.2 iburst prefer\n"
    assert (card.run / "shelfwire/technician/authorized_keys").read_text() == f"{KEY}\n"
    assert "RuntimeMaxSec=4h" in (card.run / "systemd/system/ssh.service.d/60-hours.conf").read_text()
    assert (card.station / "invitation.txt").read_text() == DIGITS
    assert '[devices.scanner]\ndriver = "keyboard-wedge"\n' in (card.station / "edge.toml").read_text()
    for secret in (DIGITS, PASSWORD, KEY):
        assert secret not in card.file.read_text()
        assert secret not in card.says
    assert card.file.stat().st_size == len(FILE)


def test_the_next_start_has_the_same_networks_and_does_nothing_again(card: Card) -> None:
    card.write(FILE)
    card.start()
    (card.station / "invitation.txt").unlink()  # the agent has taken it
    writes = card.writes
    outcome = card.start()
    assert outcome.good
    assert not outcome.ssh
    assert not (card.station / "invitation.txt").exists()
    assert not (card.run / "shelfwire/technician/authorized_keys").exists()
    assert f'psk="{PASSWORD}"\n' in wifi_file(card).read_text()
    card.start()
    assert card.writes == writes + 1, "what is said changed once: the partition is not written for nothing"


def test_the_file_deleted_changes_nothing_and_a_table_taken_out_of_it_does(card: Card) -> None:
    card.write(FILE)
    card.start()
    blotted = card.file.read_text()
    card.file.unlink()
    card.start()
    assert wifi_file(card).exists()
    card.write(blotted.replace("[wifi]", "[network_of_old]").split("[network_of_old]")[0])
    card.start()
    assert not wifi_file(card).exists()


def test_a_blotted_password_holds_for_its_own_network_only(card: Card) -> None:
    card.write(FILE)
    card.start()
    card.write(card.file.read_text().replace('"shop"', '"other"'))
    outcome = card.start()
    assert not outcome.good
    assert "wifi.password: is not known for 'other'; write it again" in card.says
    assert f'psk="{PASSWORD}"\n' in wifi_file(card).read_text(), "what held before holds on"


@pytest.mark.parametrize("wrong", ["[wlan]\n", '[devices.scanner]\ndriver = "no-such-driver"\n', "\xff"])
def test_a_file_that_is_wrong_is_left_as_it_is_and_the_technician_reads_why(card: Card, wrong: str) -> None:
    card.file.write_bytes(f'invitation = "{DIGITS}"\n{wrong}'.encode("latin-1"))
    outcome = card.start()
    assert not outcome.good
    assert "shelfwire.toml is NOT taken over; what held before holds on:" in card.says
    assert DIGITS in card.file.read_bytes().decode("latin-1")
    assert not (card.station / "invitation.txt").exists()
    assert (card.run / "shelfwire/says.txt").read_text() == card.says


def test_a_partition_that_cannot_be_written_keeps_nobody_from_working(card: Card) -> None:
    card.write(FILE)
    card.spoilt = True
    outcome = card.start()
    assert not outcome.good
    assert "could not be blotted out: the card is write-protected. Delete them." in outcome.lines[0]
    assert (card.station / "invitation.txt").read_text() == DIGITS
    (card.station / "invitation.txt").unlink()
    assert not card.start().good
    assert not (card.station / "invitation.txt").exists(), "not twice"
    card.spoilt = False
    assert card.start().good
    assert DIGITS not in card.file.read_text()


def test_a_new_file_put_there_before_the_old_one_was_blotted_out_is_a_new_file(card: Card) -> None:
    card.write(FILE)
    card.spoilt = True
    card.start()
    card.spoilt = False
    other = write_invitation(Invitation(token=bytes(8), hub="192.168.7.3", port=8443, fingerprint=bytes(16)))
    card.write(FILE.replace(DIGITS, other))
    card.start()
    assert (card.station / "invitation.txt").read_text() == other
    assert other not in card.file.read_text()


def test_digits_in_rows_are_taken_too(card: Card) -> None:
    text = "\r\n".join(rows(DIGITS))
    card.write(f'invitation = """\r\n{text}\r\n"""\r\n')
    assert card.start().good
    assert "".join((card.station / "invitation.txt").read_text().split()) == DIGITS
    assert not any(char.isdigit() for char in card.file.read_text())


def _steps(folder: Path, text: str) -> int:
    card = Card(folder)
    card.write(text)
    with pytest.MonkeyPatch.context() as patch:
        counting = cut_power(patch, None)
        card.start()
    return counting.calls


def _used(card: Card) -> bool:
    """What the agent does with an invitation: once. Says whether there was one."""
    file = card.station / "invitation.txt"
    if not file.exists():
        return False
    assert file.read_text() == DIGITS
    file.unlink()
    return True


@EVERY
def test_a_power_cut_before_any_change_of_the_disk_loses_nothing_and_does_nothing_twice(
    tmp_path: Path, every: int
) -> None:
    steps = _steps(tmp_path / "counted", FILE)
    assert steps > LEAST_STEPS
    for at in range(0, steps, every):
        card = Card(tmp_path / f"cut-{at}")
        card.write(FILE)
        with pytest.MonkeyPatch.context() as patch:
            cut_power(patch, at)
            with pytest.raises(PowerCut):
                card.start()
        # The agent starts only after all of it: it has not run yet.
        assert card.start().good, at
        assert _used(card), at
        assert f'psk="{PASSWORD}"\n' in wifi_file(card).read_text(), at
        assert not any(secret in file for file in lasting(card) for secret in (DIGITS, PASSWORD, KEY)), at
        again = card.start()
        assert again.good, at
        assert not _used(card), at
        assert not again.ssh, at
        assert '[devices.scanner]\ndriver = "keyboard-wedge"\n' in (card.station / "edge.toml").read_text(), at


@pytest.mark.torture
def test_two_power_cuts_in_a_row_do_no_harm_either(tmp_path: Path) -> None:
    steps = _steps(tmp_path / "counted", FILE)
    for first in range(0, steps, 3):
        for second in range(1, steps, 5):
            card = Card(tmp_path / f"cut-{first}-{second}")
            card.write(FILE)
            for at in (first, second):
                with pytest.MonkeyPatch.context() as patch:
                    cut_power(patch, at)
                    try:
                        card.start()
                    except PowerCut:
                        continue
            card.start()
            assert not any(secret in file for file in lasting(card) for secret in (PASSWORD, KEY)), (first, second)
            assert f'psk="{PASSWORD}"\n' in wifi_file(card).read_text(), (first, second)
            _used(card)
            card.start()
            assert not _used(card), (first, second)


# Made as new


def live(card: Card) -> None:
    """What a station that has worked for a while has on its card."""
    for name in ("stock.db", "stock.db-wal", "chatter.db", "catalogue.db", "agent.lock"):
        (card.station / name).write_bytes(name.encode())
    (card.station / "sealed/of-old").mkdir(parents=True)
    (card.station / "sealed/of-old/stock.db").write_bytes(b"old")
    (card.station / "identity/1").mkdir(parents=True)
    (card.station / "identity/1/key.pem").write_bytes(b"a key")
    (card.station / "identity/in-use").symlink_to("1")
    (card.data / "journal/errors.txt").write_text("an error")
    (card.data / "slots").mkdir()
    (card.data / "slots/state.json").write_text("{}")


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


@EVERY
@pytest.mark.parametrize(
    ("how", "left"),
    [
        ("keep-unsent-log", {"stock.db", "stock.db-wal", "chatter.db", "sealed", "edge.toml"}),
        ("everything", {"edge.toml"}),
    ],
)
def test_a_reset_makes_it_as_new_whenever_the_power_goes(tmp_path: Path, how: str, left: set[str], every: int) -> None:
    text = f'factory_reset = "{how}"\n'
    counted = Card(tmp_path / "counted")
    live(counted)
    counted.write(text)
    with pytest.MonkeyPatch.context() as patch:
        steps = cut_power(patch, None)
        counted.start()
    assert steps.calls > LEAST_STEPS // 2
    for at in range(0, steps.calls, every):
        card = Card(tmp_path / f"cut-{at}")
        live(card)
        card.write(text)
        with pytest.MonkeyPatch.context() as patch:
            cut_power(patch, at)
            with pytest.raises(PowerCut):
                card.start()
        assert card.start().good, at
        assert names(card.station) == left, at
        assert names(card.data / "slots") == {"state.json"}, "the slots are no matter of a reset"
        assert "errors.txt" not in names(card.data / "journal"), at
        assert how not in card.file.read_text(), at
        (card.station / "identity").mkdir()
        card.start()
        assert "identity" in names(card.station), f"twice, after {at}"


def test_a_hub_is_made_as_new_with_its_books_or_not_at_all(tmp_path: Path) -> None:
    card = Card(tmp_path, "hub")
    (card.hub / "hub.db").write_bytes(b"books")
    card.write('factory_reset = "keep-unsent-log"\n')
    assert not card.start().good
    assert names(card.hub) == {"hub.db"}
    card.write('factory_reset = "everything"\n')
    assert card.start().good
    assert names(card.hub) == set()


def test_a_hub_takes_its_settings_from_the_partition_and_keeps_them(tmp_path: Path) -> None:
    card = Card(tmp_path, "hub")
    pages = "shelfwire/nftables.d/pages.nft"
    (card.config / "hub.toml").write_text('store = "oak-street"\nhost = "0.0.0.0"\n')
    assert card.start().good
    assert (card.hub / "hub.toml").read_text() == 'store = "oak-street"\nhost = "0.0.0.0"\n'
    assert (card.run / pages).read_text() == "add element inet shelfwire pages { 8080 }\n"
    assert not (card.station / "edge.toml").exists()
    (card.config / "hub.toml").write_text("nothing of it\n")
    assert not card.start().good
    assert "hub.toml is NOT taken over; what held before holds on: store: is missing" in card.says
    assert (card.run / pages).exists()
    (card.config / "hub.toml").write_text('store = "oak-street"\n')
    assert card.start().good
    assert not (card.run / pages).exists()
