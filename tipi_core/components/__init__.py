"""What a pipeline is made of: permanences, processes, and the binding of their parameters."""
