"""Work spread over processes, on this machine or on a cluster."""
