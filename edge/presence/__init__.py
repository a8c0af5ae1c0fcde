"""Which RFID tags are here, and in which zone: reads in, changes out. Pure."""
