"""What a supporter needs of a station or a hub, in one archive, with nothing secret in it."""
