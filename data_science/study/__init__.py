"""What the book computes beyond the fit: exploration, checks, baselines, figures."""
