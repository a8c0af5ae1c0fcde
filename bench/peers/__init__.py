"""Stores that other projects trust their events to, each in a module that a power-cut campaign can put on its disk.

They run in a Python of their own (`installed.py`) and import nothing of ours but `tests.power.subject`. An event counts
as acknowledged when the call that stores it came back without complaint: that is all its user ever hears. What is left
is read in the way most favourable to the peer, from whatever rows or lines can still be made out.
"""
