"""Making the flashable image: from Debian's packages and this checkout to a card's bytes."""
