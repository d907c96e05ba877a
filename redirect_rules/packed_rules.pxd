cimport cython

cdef int _LEAST_ITEMS
cdef int _MOST_ITEMS
cdef int _SMALL_NUMBERS
cdef int _NUMBER_8
cdef int _NUMBER_16
cdef int _TEXT
cdef int _TEXT_END
cdef int _TEXT_8

cdef class Packed:
    cdef readonly int number
    cdef readonly bytes id_tail
    cdef readonly bytes rest
    @cython.locals(rest=bytes, octets=cython.p_char, size=Py_ssize_t, begin=cython.uchar)
    cpdef bytes text(self)

@cython.locals(octets=cython.p_char, whole=Py_ssize_t, number=int, at=Py_ssize_t, size=Py_ssize_t, begin=Py_ssize_t, end=Py_ssize_t, made=Packed)
cpdef Packed packed(bytes record)

cdef class Alone:
    cpdef Packed find(self, bytes path, Py_ssize_t cut)
