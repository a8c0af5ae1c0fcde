"""Takes what stations send: their logs into the store, their states, and their wants of the catalogue."""
