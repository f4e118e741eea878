"""AWS's binary event stream."""
