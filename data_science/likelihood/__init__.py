"""The exact log joint density on compressed rows, its modes, and how faithful compression is."""
