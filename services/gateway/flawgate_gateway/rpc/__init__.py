"""The gRPC door: proto to a call of the core, the answer to proto."""
