"""What a technician may write, what he is told when it is wrong, and that his secrets can be blotted out."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image.system.boot_file import BadBootFile, blots, blotted, covered, read_boot_file, written
from image.system.network_files import toml_text

DIGITS = "12345678901234567890"
KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)).decode() + " ann@laptop"
WHOLE = f"""\
time_server = "192.168.7.2"
[network]
address = "192.168.7.21/24"
gateway = "192.168.7.1"
dns = ["192.168.7.1", "fd00::1"]
[wifi]
name = "Käse & Wein"
password = 'pass"word \\ 1'
country = "DE"
[ssh]
key = "{KEY}"
hours = 3
[devices.scanner]
driver = "keyboard-wedge"
"""


def test_all_of_it_is_read() -> None:
    file = read_boot_file(WHOLE.encode())
    assert file.time_server == "192.168.7.2"
    assert file.network.address == "192.168.7.21/24"
    assert file.wifi is not None
    assert (file.wifi.name, file.wifi.password, file.wifi.security) == ("Käse & Wein", 'pass"word \\ 1', "wpa2")
    assert file.ssh is not None
    assert file.ssh.hours == 3
    assert file.devices == {"scanner": {"driver": "keyboard-wedge"}}


def test_an_empty_file_says_nothing_and_one_from_windows_is_read() -> None:
    assert read_boot_file(b"") == read_boot_file(b"\xef\xbb\xbf# nothing\r\n")


WRONG = {
    'invitatoin = "1"': ("invitatoin", "unknown key; did you mean 'invitation'?"),
    '[wifi]\nname = "x"\npasword = "12345678"\ncountry = "DE"': ("wifi.pasword", "did you mean 'password'?"),
    'invitation = "1234"': ("invitation", ""),
    'time_server = "ntp example"': ("time_server", "no name or address"),
    'factory_reset = "all"': ("factory_reset", "is one of keep-unsent-log, everything"),
    '[network]\naddress = "192.168.7.21"': ("network.address", "says no network"),
    '[network]\naddress = "192.168.7.321/24"': ("network.address", "no address with its network"),
    '[network]\naddress = "192.168.7.21/24"\ngateway = "192.168.8.1"': ("network.gateway", "not another machine in"),
    '[network]\naddress = "192.168.7.21/24"\ngateway = "192.168.7.21"': ("network.gateway", "not another machine in"),
    '[network]\ngateway = "192.168.7.1"': ("network.gateway", "needs an address"),
    '[network]\ndns = ["hub"]': ("network.dns", "no address"),
    '[wifi]\nname = "x"\npassword = "short"\ncountry = "DE"': ("wifi.password", "8 to 63"),
    '[wifi]\nname = "x"\npassword = "12345678"\ncountry = "de"': ("wifi.country", "capital"),
    '[wifi]\nname = "x"\npassword = "a\\nb45678"\ncountry = "DE"': ("wifi.password", "8 to 63"),
    '[ssh]\nkey = "-----BEGIN OPENSSH PRIVATE KEY-----"': ("ssh.key", "public key"),
    '[ssh]\nkey = "ssh-ed25519 AAAA"': ("ssh.key", "damaged"),
    f'[ssh]\nkey = "{KEY}"\nhours = 1000': ("ssh.hours", "<= 72"),
    "time_server = 7": ("time_server", "str"),
    "= 1": ("", "not TOML"),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_named_with_its_place(text: str) -> None:
    with pytest.raises(BadBootFile) as told:
        read_boot_file(text.encode())
    key, words = WRONG[text]
    assert told.value.key == key
    assert words in str(told.value)


def test_a_file_that_is_no_text_is_said_to_be_none() -> None:
    with pytest.raises(BadBootFile, match="save it as UTF-8"):
        read_boot_file('invitation = "1"'.encode("utf-16"))


def test_secrets_are_blotted_out_where_they_stand_and_nothing_else_is() -> None:
    data = WHOLE.encode()
    after = written(data, blots(data))
    assert len(after) == len(data)
    assert b"word" not in after.replace(b"password", b"")
    assert KEY.encode() not in after
    file = read_boot_file(after)
    assert file.wifi is not None
    assert file.ssh is not None
    assert blotted(file.wifi.password)
    assert blotted(file.ssh.key)
    assert file.network == read_boot_file(data).network
    assert blots(after) == {}


def test_a_password_that_is_a_word_of_the_file_too_is_found_all_the_same() -> None:
    data = b'# password\n[wifi]\nname = "password"\npassword = "password"\ncountry = "DE"\n'
    assert (
        written(data, blots(data)) == b'# password\n[wifi]\nname = "password"\npassword = "********"\ncountry = "DE"\n'
    )


def test_rows_of_digits_are_blotted_out_row_by_row_as_windows_ends_them_too() -> None:
    data = b'invitation = """\r\n12345 67890\r\n12345 67890\r\n"""\r\n'
    assert written(data, blots(data)) == b'invitation = """\r\n***********\r\n***********\r\n"""\r\n'


def test_what_is_written_with_escapes_cannot_be_blotted_out_and_is_refused() -> None:
    with pytest.raises(BadBootFile, match="without escapes"):
        blots(b'[wifi]\nname = "x"\npassword = "a\\u0062cdefgh"\ncountry = "DE"\n')


PASSWORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="'"), min_size=8, max_size=63)


@settings(max_examples=30)
@given(PASSWORDS, st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=30))
def test_any_password_is_found_and_a_power_cut_while_blotting_is_known_again(password: str, comment: str) -> None:
    data = f"# {comment}\n[wifi]\nname = 'shop'\npassword = '{password}'\ncountry = 'DE'\n".encode()
    pieces = blots(data)
    if blotted(password):
        assert pieces == {}
        return
    after = written(data, pieces)
    assert blotted(str(read_boot_file(after).wifi and read_boot_file(after).wifi.password))  # type: ignore[union-attr]
    for cut in range(len(data)):
        assert covered(after[:cut] + data[cut:], data, pieces)
    other = data.replace(b"shop", b"pohs")
    assert not covered(other, data, pieces)


VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**40), 2**40), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=30)
@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=4))
def test_tables_are_written_so_that_they_are_read_as_they_were(table: dict[str, object]) -> None:
    import tomllib

    assert tomllib.loads(toml_text(table)) == table
