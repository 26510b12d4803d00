"""Video in: files, image folders, network and USB cameras, synthetic scenes; frames with three clocks out."""
