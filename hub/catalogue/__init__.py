"""Rules of the catalogue at the hub: what an import means, what has to change, and how a snapshot is cut. Pure."""
