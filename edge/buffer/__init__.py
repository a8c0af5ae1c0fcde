"""The station log: what a station has said, durable until the hub holds it and a while longer."""
