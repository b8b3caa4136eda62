"""What users see: the same findings in every output format; formats.py lists them."""
