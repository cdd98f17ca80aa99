"""The data sets, one file per source, and what all of them share: files, masks, splits, checksums, samples."""
