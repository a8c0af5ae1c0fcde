"""The station's own copy of the catalogue: what a code means and costs, with the cable cut."""
