"""The founding papers' tables, rerun: rows, their training, and what they say."""
