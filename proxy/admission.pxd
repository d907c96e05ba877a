cimport cython

cdef class Admission:
    cdef long long _most
    cdef long long _most_per_address
    cdef object _shared
    cdef dict _by_place
    cdef readonly long long connections
    @cython.locals(here=cython.longlong)
    cpdef enter(self, str place)
    @cython.locals(here=cython.longlong)
    cpdef leave(self, str place)

cpdef str place_at(object transport, str said)
cpdef str place_of(str address)
