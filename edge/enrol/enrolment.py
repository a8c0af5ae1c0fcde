"""The steps from an invitation to an identity, and from a certificate to the next; each is kept before the following.

    invitation -> authority (pinned) -> certificate -> papers -> enrolled
    certificate at two thirds of its life -> new key -> new certificate -> connected with it -> settled

Every step may be taken again: the hub gives the same certificate for the same key, and what is there is not asked
for twice. Blocks; used by one thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from cryptography import x509

from edge.enrol.certificates import check_pair, make_request, own_certificate, pinned
from edge.enrol.errors import IdentityDamaged, Refused, Unreachable, Untrusted
from edge.enrol.est import EstClient
from edge.enrol.folder import Found, IdentityFolder
from edge.enrol.kept import CA, CERTIFICATE, KEY
from edge.enrol.moment import Moment
from edge.enrol.record import Held
from edge.enrol.seeking import Seek, by_mdns
from edge.errors import EdgeError
from protocol.cards import Mode
from protocol.enrolment import Papers
from protocol.errors import BadInput
from protocol.identity import parse_place, parse_station, parse_store
from protocol.invitation import Invitation

ENDED = "identity-ended"
_log = logging.getLogger(__name__)

Tell = Callable[[str], None]
"""Told each step as it begins: "reaching", "asking", "papers"."""


class Enrolment:
    """Drives what the folder says is to be done. `connect` makes `client`s, of a host and port.

    `seek` gives where hubs may be, for an invitation that gives no address. Whoever is found is held to what the
    invitation, or the identity, says; who does not stand that is passed over, and the next one asked.
    """

    def __init__(
        self,
        folder: IdentityFolder,
        moment: Moment,
        connect: Callable[[str, int], EstClient],
        seek: Seek = by_mdns,
    ) -> None:
        self.folder = folder
        self.moment = moment
        self.client = connect
        self._seek = seek

    def ask(self, tell: Tell) -> None:
        """Follow the invitation to its end.

        Raises `Unreachable` (try again; nothing is lost), and `Refused` or `Untrusted`, after which it is forgotten.
        """
        try:
            self._ask(tell)
        except (Refused, Untrusted) as error:
            self.folder.refuse(str(error))
            raise
        except (IdentityDamaged, BadInput) as error:
            self.folder.refuse(str(error))
            raise Refused("identity-damaged", f"{error}; it needs a new invitation") from error

    def renew(self) -> None:
        """Ask for a certificate for a new key with the one held; raises as `ask`."""
        record = self.folder.record
        if record.asking is None:
            self.folder.begin_renewal()
        hub = self.client(record.host, record.port)
        keys = self.folder.in_use
        try:
            if not self.folder.asked(CERTIFICATE, ""):
                request = make_request(self.folder.asked(KEY), self._identity)
                ca = keys.ca.read_bytes()
                self.folder.keep(CA, ca)
                self._take(hub.reenrol(keys, request), ca)
            self.folder.renewed(self._held())
        except Refused as error:
            self._maybe_end(error)
            raise
        except (IdentityDamaged, Untrusted):
            self.folder.refuse("")
            raise

    def look(self) -> None:
        """Ask the hub whether we are still who we are, and as what; raises as `ask`. An end is taken down."""
        record = self.folder.record
        try:
            papers = self.client(record.host, record.port).papers(self.folder.in_use)
        except Refused as error:
            self._maybe_end(error)
            raise
        except (Unreachable, Untrusted) as error:
            if not record.sought:
                raise
            papers = self._look_elsewhere(error)
        self._check(papers, self._identity, "" if record.held is None else record.held.store)
        if record.papers is None or _lasting(papers) != _lasting(record.papers):
            self.folder.take(papers)

    def _ask(self, tell: Tell) -> None:
        folder = self.folder
        invitation = folder.invitation()
        tell("reaching")
        if invitation.hub is not None:
            self._ask_at(Found(invitation.hub, invitation.port), invitation, tell)
            return
        passed_over = 0
        for found in self._seek():
            try:
                self._ask_at(found, invitation, tell)
                return
            except (Unreachable, Untrusted) as error:
                passed_over += 1
                _log.info("not the hub of the invitation", extra={"at": found.host, "error": str(error)})
                tell("reaching")
        # Whoever answers falsely cannot have the invitation forgotten: its hub may come yet.
        who = "no hub answers" if passed_over == 0 else f"{passed_over} answered and none was the invitation's hub"
        raise Unreachable(f"looked for by mDNS: {who}")

    def _ask_at(self, found: Found, invitation: Invitation, tell: Tell) -> None:
        folder = self.folder
        hub = self.client(found.host, found.port)
        if not folder.asked(CA, ""):
            folder.keep(CA, pinned(self._authority_at(hub, found), invitation.fingerprint))
        if not folder.asked(CERTIFICATE, ""):
            tell("asking")
            request = make_request(folder.asked(KEY), "station")
            self._take(hub.enrol(folder.asked_keys.ca, request, invitation.token), folder.asked(CA))
        tell("papers")
        held = self._held()
        papers = hub.papers(folder.asked_keys)
        self._check(papers, held.identity, held.store)
        folder.enrolled(held, papers, found)

    @staticmethod
    def _authority_at(hub: EstClient, found: Found) -> list[x509.Certificate]:
        try:
            return hub.cacerts()
        except Refused as error:
            if found.sought:
                # Of somebody who has proved nothing yet.
                raise Untrusted(str(error)) from error
            raise

    def _look_elsewhere(self, error: EdgeError) -> Papers:
        """Ask whoever else says that he is a hub; keep where ours is. Raises `error` if it is nowhere."""
        record = self.folder.record
        for found in self._seek():
            if found.host == record.host and found.port == record.port:
                continue
            try:
                papers = self.client(found.host, found.port).papers(self.folder.in_use)
            except Refused as refused:
                # By a hub of our authority: TLS has shown that.
                self._maybe_end(refused)
                raise
            except (Unreachable, Untrusted) as other:
                _log.info("not our hub", extra={"at": found.host, "error": str(other)})
                continue
            _log.info("hub found elsewhere", extra={"at": found.host})
            self.folder.moved(found)
            return papers
        raise error

    def _take(self, answer: list[x509.Certificate], ca: bytes) -> None:
        self.folder.keep(CERTIFICATE, own_certificate(answer, self.folder.asked(KEY), ca))

    def _held(self) -> Held:
        folder, asking = self.folder, self.folder.record.asking
        if asking is None:
            raise IdentityDamaged("nothing is asked for")
        named = check_pair(folder.asked(CERTIFICATE), folder.asked(KEY), folder.asked(CA))
        return Held(
            keys=asking.keys,
            identity=named.name,
            store=named.store,
            serial=named.serial,
            not_before_us=named.not_before_us,
            not_after_us=named.not_after_us,
        )

    @property
    def _identity(self) -> str:
        held = self.folder.record.held
        return "" if held is None else held.identity

    def _maybe_end(self, error: Refused) -> None:
        if error.name == ENDED:
            self.folder.end(error.detail)

    @staticmethod
    def _check(papers: Papers, identity: str, store: str) -> None:
        if (papers.station, papers.store) != (identity, store):
            raise Untrusted(f"the hub's papers are for {papers.station[:40]} of {papers.store[:40]}")
        try:
            parse_store(papers.store)
            parse_station(papers.station)
            parse_place(papers.place)
            if papers.area is not None:
                parse_place(papers.area)
            Mode(papers.mode)
        except (BadInput, ValueError) as error:
            raise Untrusted(f"the hub's papers cannot be worked by: {error}") from error


def _lasting(papers: Papers) -> tuple[object, ...]:
    """All that papers say but when they were written."""
    return tuple(getattr(papers, name) for name in papers.__struct_fields__ if name != "hub_time_us")
