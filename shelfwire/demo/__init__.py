"""A whole store on loopback, as real processes: what `shelfwire demo` runs, breaks, mends and balances."""
