"""Series detectors: methods that judge the counts of one brand, bin by bin."""
