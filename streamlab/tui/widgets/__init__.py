"""Parts of screens. Long lists are drawn line by line (`rows.Rows`), never as a widget per row."""
