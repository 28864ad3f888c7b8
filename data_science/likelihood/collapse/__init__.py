"""The largest grouping factor integrated out: the exact density of what is left, and draws of its levels."""
