"""How a model is served: the strategies, what they need besides an endpoint, and which one is cheapest."""
