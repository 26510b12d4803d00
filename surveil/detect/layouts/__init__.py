"""How models say what they found: one file a layout, and the table in `table.py`."""
