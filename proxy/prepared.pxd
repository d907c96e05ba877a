cimport cython

cdef int _MOST_NUMBERS
cdef tuple _NUMBERS

cdef class Prepared:
    cdef readonly bytes before_id
    cdef readonly bytes before_date
    cdef readonly bytes after_date
    cdef readonly object account
    cpdef bytes sent(self, str request_id, bytes date)

cdef class Sketch:
    cdef bytes _before_id
    cdef bytes _before_link
    cdef bytes _before_location
    cdef bytes _before_length
    cdef bytes _before_date
    cdef bytes _after_date
    cdef bytes _end
    cdef readonly bint body
    cpdef Prepared prepared(self, bytes to, object account)
    @cython.locals(octets=Py_ssize_t)
    cpdef bytes sent(self, str request_id, bytes date, bytes to)
