"""Posterior means and draws in; labels, probabilities and intervals out."""
