"""Annotations in other formats than COCO, one file each; `convert` writes them as COCO files."""
