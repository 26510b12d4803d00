"""What the panels show, as plain values; no Qt in here."""
