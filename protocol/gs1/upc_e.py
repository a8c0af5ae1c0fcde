"""UPC-E: the UPC-A numbers with many zeros, printed with half the digits.

S d1 d2 d3 d4 d5 d6 C      d6 says where zeros were left out (GS1 General Specifications, section 5.2.2.4.2)

d6 0 to 2   S d1 d2 d6 0 0 0 0 d3 d4 d5 C
d6 3        S d1 d2 d3 0 0 0 0 0 d4 d5 C
d6 4        S d1 d2 d3 d4 0 0 0 0 0 d5 C
d6 5 to 9   S d1 d2 d3 d4 d5 0 0 0 0 d6 C
"""

from __future__ import annotations


def expand(code: str) -> str:
    """Give the twelve digits of eight."""
    system, digits, last, check = code[0], code[1:6], code[6], code[7]
    if last in "012":
        body = digits[:2] + last + "0000" + digits[2:]
    elif last == "3":
        body = digits[:3] + "00000" + digits[3:]
    elif last == "4":
        body = digits[:4] + "00000" + digits[4]
    else:
        body = digits + "0000" + last
    return system + body + check
