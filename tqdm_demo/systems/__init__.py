"""The systems that are compared: one file each, all with the interface of :mod:`.system`."""
