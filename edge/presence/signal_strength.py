"""The mean of a tag's signal strengths in a zone, older reads counting less. Whole numbers throughout."""

from __future__ import annotations

from collections.abc import Sequence

NOT_TOLD = -32_768
"""In place of a strength where the reader told none; no reader hears so little."""
_QUARTERS = (4096, 3444, 2896, 2435)
"""4096 halved by quarter steps: after 0, 1/4, 1/2 and 3/4 of a half-life."""
_FORGOTTEN = 48
"""Quarters after which a read weighs nothing: 4096 >> 12 is 1."""


def mean_cdbm(times_us: Sequence[int], rssi_cdbm: Sequence[int], half_life_us: int) -> int | None:
    """Give the mean, each read weighed by its age against the newest; None if no read has a strength.

    Times ascend; a strength may be `NOT_TOLD`. An age is rounded down to quarters of a half-life, so reads of one
    moment all count alike.
    """
    if not times_us:
        return None
    newest = times_us[-1]
    quarter = half_life_us // 4 or 1
    if newest - times_us[0] < quarter:
        if NOT_TOLD not in rssi_cdbm:
            return sum(rssi_cdbm) // len(rssi_cdbm)
        told = [one for one in rssi_cdbm if one != NOT_TOLD]
        return sum(told) // len(told) if told else None
    total = weights = 0
    for at, rssi in zip(times_us, rssi_cdbm, strict=True):
        age = (newest - at) // quarter
        if rssi != NOT_TOLD and age < _FORGOTTEN:
            weight = _QUARTERS[age & 3] >> (age >> 2)
            total += weight * rssi
            weights += weight
    return total // weights if weights else None
