"""Judging a model: detections on a labelled set, AP by the protocol for partly labelled data, thresholds."""
