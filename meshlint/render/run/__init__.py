"""kustomize and helm as isolated children: they see copies of the files that are theirs, and nothing else."""
