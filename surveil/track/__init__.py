"""Boxes in, tracks out: the SORT-style tracker, numpy and scipy alone."""
