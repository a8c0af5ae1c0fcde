"""USB HID scales: postal and counter scales that send their weight all the time.

HID Point of Sale Usage Tables 1.02, section 4 (usage page 0x8D, "Weighing Device"), data report::

    0     1       2     3              4 5
    id    status  unit  exponent       weight
    3, 4                signed, of 10  unsigned, little-endian
    1250 g = 03 04 02 00 E2 04

    status  1 fault          5 under zero          unit  1 mg  11 oz
            2 zero           6 over its capacity         2 g   12 lb
            3 in motion      7 to be calibrated          3 kg
            4 stable         8 to be set to zero

The first report after opening can be as old as the last time anybody listened: the device's own buffer still holds it.
"""

from __future__ import annotations

from collections import deque

from edge.codecs.hid_reports import ReportStream
from edge.codecs.readings import SAMPLE_BYTES, Reading, Refused, Weight, WeightState

USAGE_PAGE = 0x8D
"""Usage page of a scale's top-level collection."""
REPORTS = (0x03, 0x04)
REPORT_BYTES = 6
EXPONENTS = range(-6, 7)

_NANOGRAMS = {1: 10**6, 2: 10**9, 3: 10**12, 11: 28_349_523_125, 12: 453_592_370_000}
"""1 lb = 0.45359237 kg exactly, 16 oz = 1 lb (International Yard and Pound agreement, 1959)."""
_AVOIRDUPOIS = (11, 12)
_GRAM = 10**9

_ZERO, _STABLE = 2, 4
_WITHOUT_GRAMS = {
    1: WeightState.FAULT,
    3: WeightState.MOTION,
    5: WeightState.UNDER,
    6: WeightState.OVER,
    7: WeightState.FAULT,
    8: WeightState.FAULT,
}


class HidScaleCodec:
    """Framed reports (`edge.codecs.hid_reports`) to weights. Refuses by name:

    - "malformed": a data report that is too short
    - "unknown-status", "unknown-unit", "bad-exponent": what the tables do not have, or nobody weighs in
    - "finer-than-gram": a metric figure that is no whole number of grams
    - "contradiction": zero by its status and not by its figure

    Ounces and pounds are rounded to the nearest gram, half up; metric figures are exact. The status carries the sign:
    under zero has no grams. With `first_is_stale` the first weight says nothing. Reports of other numbers (the scale's
    attributes, its limits) are no weights and say nothing either.
    """

    def __init__(self, *, first_is_stale: bool = True) -> None:
        self._stream = ReportStream()
        self._stale = first_is_stale
        self._readings: deque[Reading] = deque()

    def feed(self, data: bytes) -> None:
        for report in self._stream.feed(data):
            if report[:1] and report[0] in REPORTS:
                self._take(report)

    def gap(self) -> None:
        """Forget half a report: the rest of it does not come."""
        held = self._stream.reset()
        if held:
            self._readings.append(Refused("malformed", "half a report", held[:SAMPLE_BYTES]))

    def next_reading(self) -> Reading | None:
        return self._readings.popleft() if self._readings else None

    def to_send(self) -> bytes:
        return b""

    def _take(self, report: bytes) -> None:
        if self._stale:
            self._stale = False
            return
        self._readings.append(_weight(report))


def _weight(report: bytes) -> Reading:
    def refused(name: str, detail: str) -> Refused:
        return Refused(name, detail, report[:SAMPLE_BYTES])

    if len(report) < REPORT_BYTES:
        return refused("malformed", f"{len(report)} bytes are no weight")
    raw = report[:REPORT_BYTES]
    status, unit = raw[1], raw[2]
    exponent = int.from_bytes(raw[3:4], "little", signed=True)
    figure = int.from_bytes(raw[4:6], "little")
    if status in _WITHOUT_GRAMS:
        return Weight(None, _WITHOUT_GRAMS[status], net=False, raw=raw)
    if status not in (_ZERO, _STABLE):
        return refused("unknown-status", f"status {status}")
    if not figure:
        return Weight(0, WeightState.ZERO, net=False, raw=raw)
    if status == _ZERO:
        return refused("contradiction", f"zero, and {figure}")
    if unit not in _NANOGRAMS:
        return refused("unknown-unit", f"unit {unit}")
    if exponent not in EXPONENTS:
        return refused("bad-exponent", f"10 to the {exponent}")
    weight = figure * _NANOGRAMS[unit] * 10 ** max(0, exponent)
    divisor = _GRAM * 10 ** max(0, -exponent)
    if unit in _AVOIRDUPOIS:
        grams = (2 * weight + divisor) // (2 * divisor)
    elif weight % divisor:
        return refused("finer-than-gram", f"{figure} times 10 to the {exponent} of unit {unit}")
    else:
        grams = weight // divisor
    return Weight(grams, WeightState.STABLE if grams else WeightState.ZERO, net=False, raw=raw)


def from_options(first_is_stale: bool = True) -> HidScaleCodec:
    """Make the codec as a capture's `[options]` say."""
    return HidScaleCodec(first_is_stale=first_is_stale)
