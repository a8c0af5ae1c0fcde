"""Two slots, of which one is committed: what is installed into the other, tried, and kept or gone back from."""
