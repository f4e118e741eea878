"""A card of one exchange, to be shown to somebody else: as a page, as text for an issue, as a picture. Shell."""
