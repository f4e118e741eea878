"""Choices of legacy completions."""
