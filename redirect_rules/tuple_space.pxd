cimport cython

cdef class TupleSpace:
    cdef readonly object shelves
    cdef tuple _rows
    cdef Py_ssize_t _last
    @cython.locals(length=Py_ssize_t, row=tuple, beginning=dict, probes=tuple, others=tuple, shelf=dict)
    cpdef object under(self, tuple folded)
