cimport cython
from proxy.clock cimport ticks as real_ticks
from proxy.generations cimport Doorkeeper, Halves
from proxy.journal cimport Journal
from proxy.prepared cimport Once, Prepared
from proxy.shortcuts cimport Desk, Hop, Shortcuts
from redirect_rules.octets cimport place_of

cdef bytes _GET
cdef bytes _BLANK
cdef bytes _LINE_END
cdef bint _COMPILED

cdef class Crowd:
    cdef readonly bytes end
    cdef readonly dict audiences

cdef class Caller:
    cdef public Crowd crowd
    cdef public bytes opening
    cdef public bytes target
    cdef public object audience
    cdef public bint closes
    cdef public object heads

cdef class FastLane:
    cdef tuple _instants
    cdef object _clock
    cdef object _ticks
    cdef bint _is_real
    cdef object _new_id
    cdef readonly Journal _journal
    cdef bint _complained
    cdef readonly object heads
    cdef readonly dict _known
    cdef readonly Halves _answers
    cdef Doorkeeper _made
    cdef readonly object _redirects
    cdef readonly Shortcuts _shortcuts
    cdef readonly tuple _makers
    cdef readonly object _verdicts
    cdef object _since
    cdef object _until
    cdef long long _begin
    cdef long long _end
    cdef object _now
    cdef bytes _date
    @cython.locals(started=cython.longlong, target=bytes, found=Prepared, desk=Desk, hop=Hop, makes_first=bint, sent=bytes, request_id=bytes)
    cpdef object answer(self, bytes data, Caller caller)
    @cython.locals(parts=list, method=bytes, tail=bytes, heads=Halves, octets=cython.p_char, cut=Py_ssize_t, until=Py_ssize_t, crowd=Crowd, opening=bytes)
    cdef bint _recognizes(self, bytes data, Caller caller) except -1
    @cython.locals(octets=bytes, request_id=bytes, journal=Journal, ended=cython.longlong, nanoseconds=cython.longlong)
    cdef object _sent_once(self, Once answer, long long started, bint closes)
    @cython.locals(octets=bytes, request_id=bytes, asked=tuple, plain=Once)
    cdef object _made_anew(self, object audience, bytes target, long long started)
    cpdef _turn_to(self, long long ticks)

cdef class Lanes:
    cdef public FastLane current
    cdef public long long answered
    @cython.locals(lane=FastLane)
    cpdef answer(self, bytes data, Caller caller)
