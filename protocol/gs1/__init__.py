"""The GS1 system: application identifiers, element strings, measures, Digital Links."""
