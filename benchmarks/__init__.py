"""Speed and quality against other ways of doing the same work."""
