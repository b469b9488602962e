"""Procedural stand-ins for each data set, written in that data set's own format."""
