"""The detectors' parts, one per file: backbone, neck, head, and the model made of them."""
