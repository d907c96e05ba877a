cdef tuple _THOUSANDTHS

cdef class Lines:
    cdef str _before
    cdef str _after
    cpdef tuple line(self, str rule, str destination, str path, Py_ssize_t length, str note=*)
    cpdef tuple plain_line(self, str rule, str between, str path, Py_ssize_t length)

cdef class Second:
    cdef object _begin
    cdef object _end
    cdef str _before
    cdef str _after
    cpdef str written(self, object at)
