cimport cython
from proxy.access_log cimport Second, number
from proxy.metrics cimport Times
from redirect_rules.octets cimport joined

cdef int _MOST_HELD

cdef class Tally:
    cdef readonly object labels
    cdef public Times times
    cdef public long long visits

cdef class Account(Tally):
    cdef readonly bytes before
    cdef readonly bytes after
    cdef readonly object hit

cdef class Journal:
    cdef object _metrics
    cdef readonly object _log
    cdef public object _hits
    cdef list _held
    cdef list _later
    cdef list _touched
    cdef readonly Second second
    cdef bint _complained
    cdef object _timer
    cpdef note(self, Account account, long long at, long long nanoseconds, bytes request_id, long long fast=*)
    cpdef note_later(self, object told, long long at, long long nanoseconds, bytes request_id)
    @cython.locals(times=Times)
    cpdef count(self, Tally tally, long long nanoseconds, long long fast)
    @cython.locals(held=list)
    cpdef write(self, bytes line)
    cpdef hand_over(self)
    @cython.locals(held=list, later=list, place=Py_ssize_t)
    cdef _write_down(self)
    @cython.locals(touched=list, tally=Tally)
    cdef _count_up(self)
    @cython.locals(begin=bytes, microseconds=bytes)
    cdef bytes _line(self, Account account, long long at, long long nanoseconds, bytes request_id)
    @cython.locals(account=Account)
    cdef bytes _given(self, object told, long long at, long long nanoseconds, bytes request_id)
