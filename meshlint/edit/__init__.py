"""Changes to YAML and JSON files that leave everything else as it is, byte for byte (docs/fixing.md)."""
