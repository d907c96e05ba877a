cimport cython
from proxy.access_log cimport PlainLines, Second
from proxy.journal cimport Account, Tally
from proxy.prepared cimport Once, Prepared, Sketch
from proxy.path_traits cimport all_in, look, without_people
from redirect_rules.octets cimport joined
from redirect_rules.hits cimport Naming
from redirect_rules.packed_rules cimport Alone, Packed

# Constants.
cdef int _SLASH
cdef int _DOT
cdef int _LOW_LINE
cdef int _TRAITS
cdef int _STRANGE
cdef int _DOTTED
cdef int _CAPITALS
cdef int _PERSONAL
cdef int _NUMBERED
cdef int _LONGEST_TARGET
cdef int _LONGEST_URL
cdef int _PAGE
cdef bytes _IN_LINES

cdef class Course:
    cdef readonly Sketch sketch
    cdef readonly str host
    cdef readonly bytes url_head
    cdef readonly frozenset taken
    cdef readonly Tally tally
    cdef readonly PlainLines plain_lines
    cdef readonly Naming naming
    cdef bytes _forms
    cdef str _id_head
    cdef object _labels
    cdef tuple _lines
    cpdef bytes target(self, bytes url_tail)
    cpdef Account account(self, bytes path, bytes id_tail, Py_ssize_t length)

cdef class Hop(Once):
    cdef public Course course
    cdef public bytes path
    cdef public Py_ssize_t seen
    cdef public bytes id_tail
    cdef public bytes to
    cdef public Py_ssize_t length
    cpdef bytes sent(self, bytes request_id, bytes date)
    @cython.locals(lines=PlainLines, shown=bytes)
    cpdef bytes line(self, Second second, long long at, bytes request_id, long long microseconds)
    cpdef count(self)
    cpdef Prepared prepared(self)
    cpdef Account account(self)

@cython.locals(hop=Hop)
cdef Hop _hop(Course course, bytes path, bytes id_tail, bytes to, Py_ssize_t seen)

cdef class Desk:
    cdef readonly Alone alone
    cdef readonly bint fold_case
    cdef readonly object earlier
    cdef public bint knows
    cdef readonly dict courses
    cdef readonly dict named

cdef class Shortcuts:
    cdef object _index
    cdef object _portals
    cdef object _earlier
    cdef object _plan
    cdef readonly dict _desks
    cpdef forget(self)
    cpdef Desk desk(self, object audience)
    @cython.locals(size=Py_ssize_t, seen=Py_ssize_t, path=bytes, course=Course, to=bytes, end=bytes, kind=int, number=int, record=Packed, found=tuple)
    cpdef Hop find(self, Desk desk, object audience, bytes target, object now)
