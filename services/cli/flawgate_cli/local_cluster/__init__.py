"""All processes of the cluster on this machine."""
