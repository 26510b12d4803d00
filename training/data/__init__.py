"""Images, labels, augmentation and the feature cache."""
