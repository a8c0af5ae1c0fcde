"""What the station's copy of the catalogue refuses, and why."""

from __future__ import annotations

from edge.errors import EdgeError, TryAgain


class CatalogueFailing(TryAgain):
    """The storage failed: disk full, an I/O error, a damaged page. What was committed stays; try again later."""


class CatalogueUnusable(EdgeError):
    """The file is a database of something else: the path in the settings is wrong, so it is left alone."""


class Damaged(EdgeError):
    """What is in the file is not what was written; all of it can be had again from the hub."""
