"""A picture and class names in, a segmentation out, and how it is drawn."""
