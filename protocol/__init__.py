"""What edge, hub and provisioning share: typed facts, their bytes, and log replication; pure, no I/O."""
