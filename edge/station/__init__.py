"""The rules of a station: from readings to stock events; pure, without clock, device or disk."""
