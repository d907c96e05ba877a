"""One module for each thing that is measured: what is set up, who is asked in turn, and what was promised."""
