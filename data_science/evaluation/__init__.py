"""Measure any fit: convergence, agreement, leave-one-out, calibration, decisions. It holds no opinion."""
