cimport cython
from proxy.access_log cimport Lines
from proxy.journal cimport Account
from proxy.prepared cimport Prepared, Sketch

# Constants.
cdef int _SLASH
cdef int _DOT
cdef int _HYPHEN
cdef int _LOW_LINE
cdef int _OTHER
cdef int _OUTSIDE
cdef bytes _FORMS
cdef bytes _WORDS
cdef bytes _LONG_WORD
cdef bytes _LONG_NUMBER
cdef str _HIDDEN

@cython.locals(path=bytes)
cpdef bytes form_of(bytes path)
@cython.locals(hyphen=bint)
cpdef bint may_name_somebody(bytes form) except -1
@cython.locals(begin=Py_ssize_t, end=Py_ssize_t, shown=str, counted=str, plain=str, before=bytes, number=bytes, rest=bytes, after=bytes, hyphen=bint)
cpdef tuple without_people(str host, str path, bytes form)

cdef class Course:
    cdef readonly str id_head
    cdef readonly str destination
    cdef readonly Sketch sketch
    cdef readonly Lines lines
    cdef readonly object labels
    cdef readonly str host
    cdef readonly bytes url_head
    cdef readonly frozenset taken
    cdef bytes _forms
    cdef str _between
    cdef str _portal
    cdef str _outcome
    cdef str _client
    @cython.locals(end=bytes)
    cpdef bytes target(self, str url_tail)
    @cython.locals(path=str, rule=str, shown=str, counted=str, before=str, after=str, hit=tuple)
    cpdef Account account(self, bytes octets, bytes form, str id_tail, Py_ssize_t length)

cdef class Hop:
    cdef readonly Course course
    cdef readonly bytes path
    cdef bytes _form
    cdef readonly str id_tail
    cdef readonly bytes to
    cpdef bytes sent(self, str request_id, bytes date)
    cpdef Prepared prepared(self)
    @cython.locals(length=Py_ssize_t)
    cpdef Account account(self)

cdef class Desk:
    cdef readonly object alone
    cdef readonly bint fold_case
    cdef readonly object earlier
    cdef readonly dict courses
    cdef readonly dict named

cdef class Shortcuts:
    cdef object _index
    cdef object _portals
    cdef object _earlier
    cdef object _plan
    cdef readonly dict _desks
    cpdef forget(self)
    @cython.locals(desk=Desk, path=bytes, form=bytes, course=Course, to=bytes, kind=int)
    cpdef Hop find(self, object audience, bytes target, object now)
