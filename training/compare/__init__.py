"""Exported models side by side: AP over latency, the same pictures, one table."""
