"""The local API: what till software on the same machine may ask of the station, with no network."""
