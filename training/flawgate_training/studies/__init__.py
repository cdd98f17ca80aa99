"""Studies: questions of docs/results.md, each answered by runs of a few experiments under one command."""
