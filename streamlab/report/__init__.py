"""Report: what we have to say, in every format. Shell."""
