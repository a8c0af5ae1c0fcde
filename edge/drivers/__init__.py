"""Devices: one file per kind, each its settings, its link and its codec."""
