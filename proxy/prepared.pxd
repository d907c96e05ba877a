cimport cython
from proxy.access_log cimport Second, number
from proxy.journal cimport Account, Tally
from redirect_rules.octets cimport joined

cdef bytes _NOTHING

cdef class Prepared:
    cdef readonly bytes before_id
    cdef readonly bytes before_date
    cdef readonly bytes after_date
    cdef readonly Account account
    cpdef bytes sent(self, bytes request_id, bytes date)

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
    cpdef bytes sent(self, bytes request_id, bytes date, bytes to)

cdef class Once:
    cdef public Tally tally
    cpdef bytes sent(self, bytes request_id, bytes date)
    cpdef bytes line(self, Second second, long long at, bytes request_id, long long microseconds)
    cpdef count(self)
    cpdef Prepared prepared(self)
    cpdef Account account(self)
