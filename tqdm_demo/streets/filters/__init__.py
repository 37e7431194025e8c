"""Image filters of the domains: for drawn streets and for photographs."""
