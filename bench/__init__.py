"""Every figure the project publishes, each measured beside the bare floor it is compared with."""
