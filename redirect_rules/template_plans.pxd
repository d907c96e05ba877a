cimport cython

cdef class Lead:
    cdef readonly str rule
    cdef readonly bytes octets
    cdef readonly str destination
    cdef readonly str manner

cdef class Plan:
    cpdef tuple way(self, tuple segments, str portal)

cdef class LeftAlone(Plan):
    cdef tuple _fillers
    cpdef tuple way(self, tuple segments, str portal)

cdef class Straight(Plan):
    cdef Lead _lead
    cdef tuple _fits
    cdef str _begin
    cdef tuple _rest
    @cython.locals(target=str)
    cpdef tuple way(self, tuple segments, str portal)

cdef class Reasoned(Plan):
    cdef tuple _fillers
    cdef tuple _pages
    cdef tuple _otherwise
    @cython.locals(captured=dict)
    cpdef tuple way(self, tuple segments, str portal)
