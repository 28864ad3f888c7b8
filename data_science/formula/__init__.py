"""Models as data: formula, priors, and the encoding and design learned from a frame."""
