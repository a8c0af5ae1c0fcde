"""The hub's exchange with head office: its feed and journal out, HQ's catalogue in."""
