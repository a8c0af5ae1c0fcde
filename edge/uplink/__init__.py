"""Drains the station's logs to the hub, keeps its catalogue current and says how it is, over MQTT 5."""
