"""What the training programs share: pictures, losses, optimisers, loop, metrics."""
