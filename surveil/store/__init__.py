"""Results on disk: video, tracks, detections."""
