"""What users see: the same findings as text, concise lines, JSON, SARIF and GitHub annotations."""
