"""Hardware that is not there: devices that speak bytes over ptys, for the demo and the tests."""
