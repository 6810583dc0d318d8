"""Reading a comment: its language, whether it speaks ill of the brand, about what, and how pressing it is."""

from detectors.text.scorer import load_scorer

__all__ = ["load_scorer"]
