"""Pictures in, boxes out: model cards, preparation, runners, output layouts."""
