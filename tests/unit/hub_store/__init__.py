"""The hub's store: logs, fold, catalogue and queries, each on a real file."""
