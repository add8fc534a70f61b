"""The database, the index, and nothing else of the world. Vendors' names are known only here."""
