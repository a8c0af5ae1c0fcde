"""The flashable image of a station: its recipe, its units and its updates."""
