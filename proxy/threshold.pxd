cimport cython
from proxy.admission cimport Admission, place_at
from proxy.deadlines cimport Deadlines
from proxy.fast_lane cimport Caller, Lanes

cdef class Outbox:
    cdef object _loop
    cdef list _waiting
    cdef readonly double turn
    cpdef put(self, object transport, bytes answer)
    @cython.locals(waiting=list)
    cpdef send(self)

cdef class House:
    cdef readonly object keeper
    cdef readonly Lanes lanes
    cdef readonly Admission admission
    cdef readonly Deadlines deadlines
    cdef readonly object loop
    cdef readonly Outbox outbox
    cdef readonly str hsts
    cdef readonly double patience_seconds
    cdef readonly set thresholds

cdef class Threshold:
    cdef House _house
    cdef Caller _caller
    cdef public object preface
    cdef public long long due
    cdef readonly object _transport
    cdef str _place
    cdef str _hsts
    cdef double _since
    cdef bint _answered
    cdef readonly bint _paused
    cdef Py_ssize_t _unsent
    cdef double _unsent_since
    cpdef connection_made(self, object transport)
    cpdef data_received(self, bytes data)
    @cython.locals(house=House)
    cpdef _hand_over(self, object transport, bytes data)
    @cython.locals(house=House)
    cpdef _leave(self)
