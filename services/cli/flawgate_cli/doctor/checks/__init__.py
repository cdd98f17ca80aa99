"""The checks that the command line has itself; each file is an area. Installed packages contribute others."""
