"""Everything that can go wrong here, sorted by who must act.

MLEError
├── PredictionLogError     the operator: the storage folder cannot be written or read
└── RetrainingInputError   the caller of trigger_retraining: invalid labels or reference
"""


class MLEError(Exception):
    """Base of every error this package raises on purpose."""


class PredictionLogError(MLEError):
    """A prediction could not be stored or read, so it must not be acknowledged."""


class RetrainingInputError(MLEError, ValueError):
    """Labels, margins or a stored reference that cannot be used without guessing."""
