"""From trained weights to the files that ship: ONNX, int8, card."""
