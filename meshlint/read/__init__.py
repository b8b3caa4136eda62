"""Files into documents: discovery, decoding, YAML and JSON into tables of values with exact places."""
