"""Bytes to readings and back: pure, one dialect a file."""
