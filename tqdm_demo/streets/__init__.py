"""The drawn world: scenes, painter, domains, captions."""
