"""Electronic Product Codes: what the EPC memory of an RFID tag holds, by the GS1 EPC Tag Data Standard (TDS) 2.3."""
