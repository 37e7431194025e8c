"""Tab "How it works": the method in three steps, on the visitor's own picture, and its figures."""
