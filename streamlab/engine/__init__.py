"""Engine: machines that run over an exchange. Core."""
