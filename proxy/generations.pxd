cimport cython

cdef class Halves:
    cdef Py_ssize_t _entries
    cdef Py_ssize_t _octets
    cdef object _weight
    cdef readonly dict _young
    cdef readonly dict _old
    cdef Py_ssize_t _weighs
    cpdef object get(self, object key)
    @cython.locals(weight=Py_ssize_t)
    cpdef put(self, object key, object value)

cdef class Doorkeeper:
    cdef bytearray _seen
    cdef long _room
    @cython.locals(seen=bytearray, number=cython.longlong, one=cython.longlong, other=cython.longlong, here=int, there=int)
    cpdef bint knows(self, object key) except -1
    cpdef clear(self)
