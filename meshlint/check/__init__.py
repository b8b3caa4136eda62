"""Rules are found, run over the index of each environment, and their problems made into findings."""
