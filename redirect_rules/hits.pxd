cimport cython

cdef class HitCounter:
    cdef readonly Py_ssize_t _room
    cdef readonly dict _counts
    cdef object _day
    cdef readonly set _known
    cdef readonly set _unknown
    cdef readonly set _others
    @cython.locals(counts=dict, names=set)
    cpdef count(self, object hit, int times=*)
    cdef object _named_as(self, object hit)
    cdef bint _has_room(self, set names, object hit) except -1
