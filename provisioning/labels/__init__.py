"""What a shop prints: command cards, labels of places and devices, the sheet a store's stations are enrolled by."""
