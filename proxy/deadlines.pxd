cimport cython

cdef class Deadlines:
    cdef object _loop
    cdef double _tick_seconds
    cdef dict _slots
    cdef object _timer
    cdef long long _next
    cpdef wind(self, object timed, double seconds)
    @cython.locals(due=cython.longlong, slot=set)
    cpdef wind_at(self, object timed, double when)
    @cython.locals(due=cython.longlong, slot=set)
    cpdef stop(self, object timed)
