"""Rules about deltas."""
