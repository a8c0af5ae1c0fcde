"""What a broker reads of identities: who may speak, and whose certificate is no longer good."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from protocol.identity import StoreId
from protocol.identity_words import Standing
from provisioning.authority import Authority, Revoked
from provisioning.broker_config import PERMISSIONS, REVOKED, Member, members_of, store_permissions
from provisioning.certificates import DAY_US
from provisioning.revocation import revoked


@dataclass(frozen=True, slots=True)
class Lists:
    """`generation` is their name: the same identities on the same day have the same."""

    members: tuple[Member, ...]
    gone: tuple[Revoked, ...]
    generation: str

    @property
    def serials(self) -> frozenset[str]:
        """The certificates that are no longer good."""
        return frozenset(each.serial for each in self.gone)

    def files(self, authority: Authority, now_us: int) -> dict[str, bytes]:
        """Write both."""
        return {
            PERMISSIONS: store_permissions(self.members, self.generation).encode(),
            REVOKED: authority.revocation_list(self.gone, now_us, now_us),
        }


def list_until_us(file: Path) -> int | None:
    """Say until when the list of the revoked in a file is good (UTC); None for one that is not there, or is none."""
    try:
        until = x509.load_pem_x509_crl(file.read_bytes()).next_update_utc
    except (OSError, ValueError):
        return None
    return None if until is None else int(until.timestamp()) * 1_000_000


def lists_of(standings: Sequence[Standing], store: StoreId, now_us: int) -> Lists:
    """Say who may speak and who may no longer, as of now."""
    members = members_of(standings, store)
    gone = revoked(standings, now_us)
    said = (store_permissions(members), *sorted(each.serial for each in gone), str(now_us // DAY_US))
    return Lists(members, gone, hashlib.sha256("\n".join(said).encode()).hexdigest()[:16])
