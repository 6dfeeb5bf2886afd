"""Does nothing at all: leaves at once."""
