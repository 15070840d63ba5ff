"""The names in the ONNX graphs of every framework."""

INPUT, OUTPUT = "features", "prediction"
