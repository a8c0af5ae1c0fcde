"""Stock as a pure function of a set of entries: the fold, its values, clock fits and the naive definition.

No clock, no I/O, no log. `entries` says what goes in, `figures` what comes out, `book` does one scope's
arithmetic, `fold` takes batches of entries, `timefit` gives entries their time, `reference` defines it
all again, slowly, for comparison.
"""
