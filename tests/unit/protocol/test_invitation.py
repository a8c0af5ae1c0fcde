"""An invitation survives paper, keyboards and scanners whole, or is refused and says where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import BadInput
from protocol.invitation import (
    INVITATION_DIGITS,
    Invitation,
    looks_like_invitation,
    read_invitation,
    rows,
    write_invitation,
)

SOME = Invitation("192.168.1.20", 8443, bytes(range(16)), b"\xff\x00secret")

invitations = st.builds(
    Invitation,
    st.none() | st.ip_addresses(v=4).map(str).filter(lambda text: text != "0.0.0.0"),
    st.integers(1, 65535),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=8, max_size=8),
)


@given(invitations)
def test_what_is_written_is_read_again(invitation: Invitation) -> None:
    digits = write_invitation(invitation)
    assert len(digits) == INVITATION_DIGITS
    assert digits.isdigit()
    assert looks_like_invitation(digits)
    assert read_invitation(digits) == invitation


def test_the_largest_of_all_fits() -> None:
    largest = Invitation("255.255.255.255", 65535, b"\xff" * 16, b"\xff" * 8)
    assert read_invitation(write_invitation(largest)) == largest


def test_it_may_be_typed_in_rows_and_groups() -> None:
    digits = write_invitation(SOME)
    typed = "\r\n".join(" ".join(row[at : at + 5] for at in range(0, 20, 5)) for row in rows(digits))
    assert read_invitation(f" {typed}\n") == SOME


@given(invitations, st.integers(0, INVITATION_DIGITS - 1), st.integers(1, 9))
def test_one_wrong_digit_names_its_row(invitation: Invitation, at: int, by: int) -> None:
    digits = write_invitation(invitation)
    wrong = digits[:at] + str((int(digits[at]) + by) % 10) + digits[at + 1 :]
    with pytest.raises(BadInput) as told:
        read_invitation(wrong)
    assert (told.value.name, told.value.detail) == ("invitation-row", f"mistyped in row {at // 20 + 1}")


@given(invitations, st.integers(0, INVITATION_DIGITS - 2))
def test_two_digits_exchanged_are_found(invitation: Invitation, at: int) -> None:
    digits = write_invitation(invitation)
    wrong = digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]
    if wrong == digits:
        return
    with pytest.raises(BadInput):
        read_invitation(wrong)


def test_rows_of_two_invitations_do_not_make_one() -> None:
    other = write_invitation(Invitation("10.0.0.7", 443, b"\x5a" * 16, b"\xa5" * 8))
    mixed = write_invitation(SOME)[:40] + other[40:]
    with pytest.raises(BadInput, match="invitation-check"):
        read_invitation(mixed)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "invitation-length"),
        ("4006381333931", "invitation-length"),
        (write_invitation(SOME)[:-1], "invitation-length"),
        (write_invitation(SOME) + "0", "invitation-length"),
        ("A" * 80, "invitation-length"),
        ("\u0661" * 80, "invitation-length"),
    ],
)
def test_what_is_none_is_refused(text: str, name: str) -> None:
    with pytest.raises(BadInput) as told:
        read_invitation(text)
    assert told.value.name == name


def test_a_secret_is_in_no_error_and_no_repr() -> None:
    digits = write_invitation(SOME)
    wrong = digits[:30] + str((int(digits[30]) + 1) % 10) + digits[31:]
    with pytest.raises(BadInput) as told:
        read_invitation(wrong)
    assert digits[:12] not in str(told.value)
    assert SOME.token.hex() not in repr(SOME)
    assert repr(SOME.token) not in repr(SOME)


@pytest.mark.parametrize(
    "invitation",
    [
        Invitation("hub.example", 8443, bytes(16), bytes(8)),
        Invitation("10.0.0.1", 0, bytes(16), bytes(8)),
        Invitation("10.0.0.1", 65536, bytes(16), bytes(8)),
        Invitation("10.0.0.1", 443, bytes(15), bytes(8)),
        Invitation("10.0.0.1", 443, bytes(16), bytes(9)),
    ],
)
def test_what_does_not_fit_is_not_written(invitation: Invitation) -> None:
    with pytest.raises(BadInput, match="bad-invitation"):
        write_invitation(invitation)
