"""Which environments a repository holds: applications, charts with their values, kustomizations, and what lands together."""
