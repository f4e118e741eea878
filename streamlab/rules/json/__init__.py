"""Rules about payloads as JSON."""
