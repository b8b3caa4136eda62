"""The language server: `meshlint lsp`. What it needs beyond meshlint is in the extra `lsp`; only `server` and its parts import it."""
