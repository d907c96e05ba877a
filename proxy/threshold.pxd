cimport cython
from proxy.fast_lane cimport Caller, Lanes

cdef class Outbox:
    cdef object _loop
    cdef list _waiting
    cpdef put(self, object transport, bytes answer)
    @cython.locals(waiting=list)
    cpdef send(self)

cdef class Threshold:
    cdef Outbox _outbox
    cdef Lanes _lanes
    cdef Caller _caller
    cdef object _house
    cdef object _loop
    cdef public object preface
    cdef public object due
    cdef object _transport
    cdef str _place
    cdef double _since
    cdef bint _answered
    cdef readonly bint _paused
    cdef Py_ssize_t _unsent
    cdef double _unsent_since
