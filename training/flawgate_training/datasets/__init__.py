"""The data sets, one file per source, and what all of them share: samples, folds, targets, augmentation."""
