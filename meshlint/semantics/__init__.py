"""What the mesh makes of objects: pure functions over values and facts; the index hands them on."""
