cdef class Threshold:
    cdef object _knowing
    cdef object _house
    cdef object _loop
    cdef public object preface
    cdef public object due
    cdef object _transport
    cdef str _place
    cdef double _since
    cdef bint _answered
    cdef readonly bint _paused
    cdef Py_ssize_t _unsent
    cdef double _unsent_since
