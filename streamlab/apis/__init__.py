"""APIs: one folder each, with what it promises, its reader, rules and repairs. Core."""
