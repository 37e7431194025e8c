"""Tab "Domain shift": its panels."""
