"""The errors of the image, told apart by whose fault they are."""

from __future__ import annotations


class ImageError(Exception):
    """Root of everything `image` raises on purpose."""


class BadInput(ImageError):
    """What was handed in cannot be used: a file that is no image, a recipe that names nothing."""


class Missing(ImageError):
    """This machine lacks what the work needs; the text says what, and how to have it."""


class NotFit(ImageError):
    """What was made must not leave the house: too large, or with something in it that is nobody else's business."""


class StepFailed(ImageError):
    """A program we called failed; the text has its name and its last words."""
