"""Measures of quality, one file a metric: features, then statistics, then value."""
