"""What stands where in a street: sampled from a seed, independent of any picture size."""
