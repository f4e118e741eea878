"""Whole screens. They ask the watcher for data and never open a file themselves."""
