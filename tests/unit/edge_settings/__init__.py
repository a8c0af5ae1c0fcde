"""What `edge.toml` may say."""
