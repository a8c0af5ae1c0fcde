"""Both sides of replication at the hub: logs taken in, logs served, and the connection that carries them."""
