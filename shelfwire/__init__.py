"""The command line, the demo and the simulated devices; may import every part, imported by none."""
