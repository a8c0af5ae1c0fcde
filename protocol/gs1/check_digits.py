"""The check digits and characters of the GS1 General Specifications, section 7.9."""

from __future__ import annotations

from typing import Final

# Each digit of a text comes as its ASCII code, 48 too much; 48 ends in 8.
_EXCESS: Final = 48

# What a digit counts in a price or measure field (7.9.1): "2-" is twice the digit, its tens taken off its units, and
# so on. The position in the string is the digit.
_TWO_MINUS: Final = (0, 2, 4, 6, 8, 9, 1, 3, 5, 7)
_THREE: Final = (0, 3, 6, 9, 2, 5, 8, 1, 4, 7)
_FIVE_PLUS: Final = (0, 5, 1, 6, 2, 7, 3, 8, 4, 9)
_FIVE_MINUS: Final = (0, 5, 9, 4, 8, 3, 7, 2, 6, 1)
_FOUR_DIGITS: Final = (_TWO_MINUS, _TWO_MINUS, _THREE, _FIVE_MINUS)
_FIVE_DIGITS: Final = (_FIVE_PLUS, _TWO_MINUS, _FIVE_MINUS, _FIVE_PLUS, _TWO_MINUS)

_PRIMES: Final = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)
_CHARACTERS_82: Final = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_CHARACTERS_32: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def check_digit(body: str) -> str:
    """Give the digit that follows `body`, digits of a GTIN, SSCC, GLN or other key (7.9.1).

    The last digit of `body` counts thrice, the one before once, and so on; the sum with the check digit is a
    multiple of 10.
    """
    codes = body.encode()
    thrice, once = codes[::-2], codes[-2::-2]
    total = 3 * sum(thrice) + sum(once) - _EXCESS * (3 * len(thrice) + len(once))
    return str(-total % 10)


def has_check_digit(digits: str) -> bool:
    """Tell whether the last of `digits` is the check digit of the others."""
    codes = digits.encode()
    once, thrice = codes[::-2], codes[-2::-2]
    return (3 * sum(thrice) + sum(once) - _EXCESS * (3 * len(thrice) + len(once))) % 10 == 0


def measure_check_digit(field: str) -> str:
    """Give the verifier of a price or measure field of four or five digits (7.9.2 to 7.9.4)."""
    if len(field) == 4:
        return str(3 * sum(weights[int(digit)] for weights, digit in zip(_FOUR_DIGITS, field, strict=True)) % 10)
    total = sum(weights[int(digit)] for weights, digit in zip(_FIVE_DIGITS, field, strict=True))
    return str(_FIVE_MINUS.index(-total % 10))


def check_pair(body: str) -> str | None:
    """Give the two characters that follow `body` in a Global Model Number (7.9.5); None if it cannot be one.

    Each of character set 82 counts as its place in it times a prime, the last with 2, the one before with 3, and
    so on; the sum modulo 1021 is told by two of 32 characters.
    """
    if len(body) > len(_PRIMES):
        return None
    total = 0
    for prime, character in zip(_PRIMES, reversed(body), strict=False):
        place = _CHARACTERS_82.find(character)
        if place < 0:
            return None
        total += prime * place
    high, low = divmod(total % 1021, 32)
    return _CHARACTERS_32[high] + _CHARACTERS_32[low]
