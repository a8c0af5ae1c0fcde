"""The running machine: its first start, the technician's file on the boot partition, and how it is made as new."""
