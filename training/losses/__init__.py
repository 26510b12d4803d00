"""Losses: boxes, classification quality, distributions, distillation, and their weighted sum."""
