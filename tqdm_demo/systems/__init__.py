"""What the predictor asks: one file a system of the comparison, with one interface."""
