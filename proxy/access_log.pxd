cimport cython
from redirect_rules.octets cimport joined

cdef tuple _THOUSANDTHS
cdef tuple _NUMBERS
cdef Py_ssize_t _MOST_NUMBERS
cdef bytes _MICROSECONDS
cdef bytes _END
cdef long long _SECOND

cpdef bytes number(long long value)

cdef class Lines:
    cdef str _before
    cdef str _after
    cpdef tuple line(self, str rule, str destination, str path, Py_ssize_t length, str note=*)
    cpdef PlainLines by(self, str id_head, str destination)

cdef class PlainLines:
    cdef bytes _before
    cdef bytes _after
    cdef bytes _between
    @cython.locals(thousandth=cython.longlong)
    cpdef bytes line(self, Second second, long long at, bytes request_id, long long length, long long microseconds, bytes id_tail, bytes path)

cdef class Second:
    cdef object _zone
    cdef long long _begin
    cdef readonly bytes before
    cdef readonly bytes after
    @cython.locals(thousandth=cython.longlong)
    cpdef bytes begin(self, long long at)
    @cython.locals(past=cython.longlong)
    cpdef long long turn(self, long long at) except -1
