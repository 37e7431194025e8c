"""Labelled pictures: data sets, readers, label ids, sampling, crops, augmentation."""
