"""Searching for better options with Hyperopt."""
