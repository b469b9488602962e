"""A chapter for tests of the search: its training is arithmetic and takes no time."""
