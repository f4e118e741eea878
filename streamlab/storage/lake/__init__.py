"""A lake: exchanges of many recorders as Parquet files, below a folder or any address that fsspec knows.

Nothing here is imported before somebody names a lake, and pyarrow, DuckDB and fsspec are nowhere else. docs/fleet.md
describes the files for people who read them with other tools.
"""
