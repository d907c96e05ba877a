"""`make bench`: what things cost, measured beside a peer on the same machine in the same run."""
