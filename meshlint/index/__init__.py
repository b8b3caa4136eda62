"""One environment as an index: it answers the questions of meshlint.model.mesh.Mesh."""
