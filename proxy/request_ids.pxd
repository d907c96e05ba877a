from redirect_rules.octets cimport joined

cdef tuple _ENDINGS
cdef _Block _block

cdef class _Block:
    cdef bytes _begin
    cdef Py_ssize_t _used
    cpdef bytes next(self)

cpdef bytes speakable_octets()
cpdef str speakable_id()
