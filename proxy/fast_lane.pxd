cimport cython
from proxy.generations cimport Doorkeeper, Halves
from proxy.journal cimport Journal
from proxy.prepared cimport Prepared
from proxy.shortcuts cimport Hop, Shortcuts

cdef class FastLane:
    cdef tuple _instants
    cdef object _clock
    cdef object _new_id
    cdef readonly Journal _journal
    cdef readonly object heads
    cdef readonly dict _known
    cdef readonly Halves _answers
    cdef Doorkeeper _made
    cdef readonly object _redirects
    cdef readonly Shortcuts _shortcuts
    cdef readonly object _verdicts
    cdef object _since
    cdef object _until
    cdef object _begin
    cdef object _end
    cdef bytes _date
    @cython.locals(parts=list, method=bytes, target=bytes, tail=bytes, asked=tuple, found=Prepared, heads=Halves, hop=Hop, octets=bytes, request_id=str)
    cpdef object answer(self, bytes data)
