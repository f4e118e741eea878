"""Real clients on recorded bytes: their environments, their drivers at work, and what each held at the end."""
