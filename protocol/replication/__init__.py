"""How one log is carried from its writer to a reader: two state machines and the messages between them."""
