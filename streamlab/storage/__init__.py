"""Storage: where exchanges rest. Shell."""
