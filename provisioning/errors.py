"""The errors of provisioning that are not a visitor's: his are `protocol.errors.BadInput`, named as at the book."""

from __future__ import annotations


class ProvisioningError(Exception):
    """Root of everything `provisioning` raises on purpose, but for `protocol.errors.BadInput`."""


class AuthorityUnusable(ProvisioningError):
    """The store's authority is not there, not whole, or lies open to others; the message says which and what to do."""
