"""What becomes of a retired URL: portals, rules, destinations, localities and the decision itself.

Pure: functions over frozen values.  Time is an argument, files are read by the caller, and nothing here
opens a socket.  Read `decision` first; everything else exists so that it can be short.
"""
