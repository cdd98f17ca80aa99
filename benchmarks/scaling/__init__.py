"""How much it takes: a model of capacity on paper, a simulation of the cluster, and a measured run that checks both."""
