"""The commands: one module for each, and how they report."""
