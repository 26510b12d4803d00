"""Boxes in, tracks out: the SORT-style tracker, numpy and scipy alone.

To read: `kalman` (how a box moves), `assignment` (which detection belongs to which track), `classes` (what it
is), `lifecycle` (birth, loss, end), `stages` (who may be matched with whom, in which order), `tracker` (one
frame, all together). `sort` is the textbook to compare with; `open` chooses.
"""
