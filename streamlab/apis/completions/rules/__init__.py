"""Rules of legacy completions alone; those they share with chat stand there. Core."""
