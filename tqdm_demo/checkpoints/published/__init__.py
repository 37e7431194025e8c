"""The authors' checkpoints: how they are recognised and converted, one file a system."""
