"""The rules of a station."""
