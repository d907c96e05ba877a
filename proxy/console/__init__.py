"""The console: where officers find out why an old link goes where it goes, change it, see the effect and undo it.

A process of its own, beside the workers: what it does for an hour costs no visitor a millisecond.  Pages are made
on the server and need no script.  Everything it does it does through the functions that the commands use.

call        what a handler is given and what it gives back
desk        the store, the published number, the hits: opened once
app         sockets, sessions, errors; the only module here that knows aiohttp
pages       templates, texts, style and policy
*_pages     one module for each sort of page: plain functions from a call to an answer
"""
