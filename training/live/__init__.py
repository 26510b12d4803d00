"""Live views: all pictures lie decoded on the training device and are augmented there, batch by batch."""
