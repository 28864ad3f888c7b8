"""Judge what was measured: whether a fit may ship. It measures nothing and writes no file."""
