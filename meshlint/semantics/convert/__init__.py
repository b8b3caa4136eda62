"""From VirtualServices, their subsets and Istio Gateways to the Gateway API: the same way for every request, or not at all."""
