cimport cython
from redirect_rules.template_plans cimport Plan
from redirect_rules.tuple_space cimport TupleSpace

cdef class Planned:
    cdef readonly object index
    cdef TupleSpace _space
    cdef object _planner
    cdef bint _pins
    cdef dict _plans
    cdef dict _alike
    @cython.locals(plan=Plan, plans=tuple, way=tuple)
    cpdef tuple way(self, tuple segments, tuple folded, str portal)
    cdef tuple _plans_of(self, object entries)

cdef class PortalWays:
    cdef str _portal
    cdef object _exact
    cdef Planned _own
    cdef Planned _families
    cdef object _now
    cdef bint _expressions
    @cython.locals(way=tuple, own=Planned)
    cpdef tuple find(self, str path, tuple segments, tuple folded)
