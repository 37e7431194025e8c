"""How the things of a street are drawn."""
