"""Measure a fit, compare it with others, and judge whether it may ship."""
