"""The agent on a station: reads its devices, keeps what they said on disk, and brings it to the hub."""
