cimport cython
from proxy.access_log cimport Second

cdef class Account:
    cdef readonly object labels
    cdef readonly str before
    cdef readonly str after
    cdef readonly object hit

cdef class Journal:
    cdef object _metrics
    cdef object _log
    cdef object _on_hit
    cdef list _held
    cdef Second _second
    cdef bint _complained
    cdef object _timer
    @cython.locals(held=list)
    cpdef note(self, object told, object at, object nanoseconds, str request_id, bint fast=*)
    @cython.locals(held=list, again=list, lines=list, counted=list, times=dict, taken=list, second=Second, account=Account, when=str, microseconds=cython.longlong, was_fast=bint, fast=bint)
    cpdef hand_over(self)
    @cython.locals(account=Account)
    cdef Account _given(self, object told)
