"""What people see: pages, messages and the little static there is.  Data only; read through importlib.resources."""
