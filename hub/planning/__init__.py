"""What a shop should do about its stock: what to count again and when, what to order, what to look into. Pure."""
