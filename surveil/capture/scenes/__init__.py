"""Drawn street scenes with exact truth: numpy and OpenCV only, the same pictures for the same seed.

`config` names a scene, `scene` draws its frames, `truth` says and writes what is in them.
"""
