"""Settings that come from the hub: laid under the local file, tried, kept or given up."""
