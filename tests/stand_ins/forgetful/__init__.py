"""A disk that forgets, at a cut of the power, what was not synced: a file system of our own, mounted by FUSE."""
