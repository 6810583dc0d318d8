"""The rules: matching, folding into bins, incidents, levels. No IO; time is an argument."""
