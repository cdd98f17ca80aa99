"""Frames of cameras, streamed: numbering, credits, results in order, gaps. Nothing here knows gRPC or HTTP."""
