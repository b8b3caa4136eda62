"""From files to environments: what is applied together, found without running anything."""
