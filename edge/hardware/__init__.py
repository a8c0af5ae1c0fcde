"""What is plugged into this machine, who it is, and when it comes and goes; knows no dialect and opens no device."""
