"""What people and programs see of the hub: the page, REST, metrics, and live updates."""
