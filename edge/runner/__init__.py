"""Runs a station: opens its devices, has its rules decide on what they read, and has the log keep it."""
