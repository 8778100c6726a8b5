"""Models in ONNX: their tensors, and what the graph says of them, without the library and without reading the weights."""
