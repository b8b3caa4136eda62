"""The rules of ACME: what the entry point names, and so what `meshlint --plugin acme` runs."""

from meshlint_acme.namespaces import acme_namespace_owner
from meshlint_acme.routes import acme_route_timeout

__all__ = ["acme_namespace_owner", "acme_route_timeout"]
