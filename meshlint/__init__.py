"""meshlint: what breaks when an Istio mesh moves to ambient mode and Gateway API."""

__version__ = "0.1.0"
HOME = "https://github.com/meshlint/meshlint"  # the project address that reports name
