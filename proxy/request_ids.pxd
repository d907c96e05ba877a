cdef tuple _ENDINGS
cdef _Block _block

cdef class _Block:
    cdef str _begin
    cdef Py_ssize_t _used
    cpdef str next(self)

cpdef str speakable_id()
