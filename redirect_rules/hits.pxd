cimport cython

cdef int _PROBES

cdef class Names:
    cdef bytearray _bits
    cdef Py_ssize_t _mask
    cdef readonly Py_ssize_t given
    cdef readonly Py_ssize_t room
    @cython.locals(at=cython.ulonglong, step=cython.ulonglong, place=Py_ssize_t, bits=bytearray, mask=Py_ssize_t)
    cpdef bint has(self, long long number) except -1
    @cython.locals(at=cython.ulonglong, step=cython.ulonglong, place=Py_ssize_t, bits=bytearray, mask=Py_ssize_t)
    cpdef bint admit(self, long long number) except -1
    cpdef clear(self)

cdef class HitCounter:
    cdef readonly long drains
    cdef readonly dict _counts
    cdef object _day
    cdef Names _known
    cdef Names _unknown
    cdef Names _others
    cdef Names _rules
    cdef Names _other_rules
    cdef dict _namings
    cdef list _owing
    @cython.locals(counts=dict)
    cpdef count(self, object hit, int times=*)
    @cython.locals(known=Names, others=Names)
    cpdef int standing(self, long long number) except -1
    cpdef owe(self, object naming)
    cpdef object named(self, object hit)
    cpdef object known(self, object hit, long long number)
    cpdef object other(self, object hit)

cdef class Naming:
    cdef HitCounter _counter
    cdef long _drains
    cdef str _id_head
    cdef long long _head_number
    cdef object _nameless
    cdef readonly dict _named
    cdef tuple _parts
    cdef readonly long unnamed
    @cython.locals(counts=dict, counter=HitCounter, standing=int, number=cython.longlong)
    cpdef count(self, bytes path, bytes id_tail, int people)
    cdef object _name_of(self, bytes path, str rule, long long number, int people)
