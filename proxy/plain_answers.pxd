cimport cython
from proxy.access_log cimport PlainLines, Second
from proxy.journal cimport Account, Tally
from proxy.path_traits cimport look, without_people
from proxy.prepared cimport Once, Prepared, Sketch
from redirect_rules.hits cimport HitCounter
from redirect_rules.plain_ways cimport PortalWays
from redirect_rules.template_plans cimport Lead

# Constants.
cdef int _LONGEST
cdef int _SLASH
cdef int _LOW_LINE
cdef int _STRANGE
cdef int _DOTTED
cdef int _CAPITALS
cdef int _LONGEST_HIDDEN
cdef bytes _MASK
cdef bytes _HIDING
cdef bytes _UNMAPPED

@cython.locals(parts=list, before=bytes, after=bytes, octets=cython.p_char, begin=Py_ssize_t, end=Py_ssize_t)
cpdef str counted_as(bytes path, bytes shown)

cdef class Standing:
    cdef readonly Prepared whole
    cdef readonly Sketch sketch
    cdef readonly Py_ssize_t length
    cdef readonly object labels
    cdef readonly str portal
    cdef readonly str outcome
    cdef readonly str client
    cdef readonly HitCounter hits
    cdef readonly Tally tally
    cdef object _lines
    cdef dict _plain_lines
    cpdef PlainLines lines_to(self, str destination)
    cpdef Account account(self, object hit, str destination, str shown, Py_ssize_t length)

cdef class PlainAnswer(Once):
    cdef readonly bytes to
    cdef Standing _standing
    cdef Lead _lead
    cdef str _host
    cdef bytes _path
    cdef bytes _shown
    cdef Py_ssize_t _length
    @cython.locals(standing=Standing, sketch=Sketch, whole=Prepared)
    cpdef bytes sent(self, bytes request_id, bytes date)
    @cython.locals(lead=Lead, lines=PlainLines, rule=bytes)
    cpdef bytes line(self, Second second, long long at, bytes request_id, long long microseconds)
    @cython.locals(hits=HitCounter)
    cpdef count(self)
    @cython.locals(sketch=Sketch, whole=Prepared)
    cpdef Prepared prepared(self)
    cpdef Account account(self)
    @cython.locals(standing=Standing, counted=str)
    cdef object _hit(self)

cdef class Chamber:
    cdef readonly str host
    cdef readonly bint fold_case
    cdef readonly PortalWays ways
    cdef readonly tuple standings

cdef class PlainAnswers:
    cdef object _precedents
    cdef HitCounter _hits
    cdef readonly dict _chambers
    @cython.locals(chamber=Chamber, size=Py_ssize_t, seen=Py_ssize_t, as_sent=str, path=str, octets=bytes, segments=tuple, folded=tuple, kind=int, lead=Lead, way=tuple, to=str, standing=Standing, standings=dict, shown=bytes)
    cpdef PlainAnswer find(self, object audience, bytes target)
