"""Gives the station's rules the meaning of a code: its text read, then the catalogue replica asked."""

from __future__ import annotations

from collections.abc import Callable

from edge.catalogue.api import Catalogue
from edge.codecs.readings import Scan
from edge.errors import TryAgain
from edge.station.actions import Goods
from protocol.codes import read_code
from protocol.errors import BadInput
from protocol.events import When
from protocol.variable_measure import PLAIN, CodeRules


class CatalogueLookup:
    """`edge.station.actions.Lookup` on a catalogue; `utc_us` says what UTC a `When` was, `rules` how codes are read."""

    def __init__(self, catalogue: Catalogue, utc_us: Callable[[When], int], rules: CodeRules = PLAIN) -> None:
        self._catalogue = catalogue
        self._utc_us = utc_us
        self._rules = rules

    def __call__(self, scan: Scan, when: When) -> Goods:
        """Say what a scan means.

        Raises `BadInput`: what `read_code` raises, and "catalogue-failing" when the replica's disk does. Then it is not
        even known whether the item is weighed, so selling one piece of it could be wrong.
        """
        code = read_code(scan.text, scan.aim, self._rules)
        at_us = self._utc_us(when)
        at = self._catalogue.position
        seq = 0 if at is None else at.seq
        try:
            found = self._catalogue.lookup(code.lookup, at_us)
        except TryAgain as error:
            raise BadInput("catalogue-failing", str(error)) from error
        if found is None:
            return Goods(code.lookup, at_us, seq, weight_g=code.weight_g, label_price=code.price)
        return Goods(
            key=code.lookup,
            at_us=at_us,
            catalogue=seq,
            item=found.item,
            factor_milli=found.factor_milli,
            prices=found.prices,
            weight_g=code.weight_g,
            label_price=code.price,
        )
