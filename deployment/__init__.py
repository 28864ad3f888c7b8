"""The HTTP service that serves a trained model; `python -m deployment` runs it."""
