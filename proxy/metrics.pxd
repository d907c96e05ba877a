cdef long long _FIRST_BOUND

cdef class Times:
    cdef long long _nanoseconds
    cdef long long _at_once
    cdef list _counts
    cdef long long _fast
    cpdef add(self, long long nanoseconds, long long fast)
