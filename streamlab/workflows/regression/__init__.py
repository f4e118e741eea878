"""Regression: a fixture against a normalizer, ours or somebody's. Free of pytest, so that anything else can use it."""
