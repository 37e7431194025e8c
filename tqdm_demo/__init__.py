"""An interactive demo of tqdm, the Textual Query-Driven Mask Transformer (ECCV 2024)."""
