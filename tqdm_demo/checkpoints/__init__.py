"""Model files: checkpoint folders, sources, the Hub, published checkpoints."""
