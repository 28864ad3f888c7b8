"""The transported density as loops that numba compiles once and keeps on disk."""
