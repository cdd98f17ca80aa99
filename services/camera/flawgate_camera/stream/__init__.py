"""One camera's stream of frames to the gateway, over gRPC, kept up whatever the network does."""
