cimport cython
from redirect_rules.octets cimport joined

# Constants.
cdef int _SLASH
cdef int _DOT
cdef int _HYPHEN
cdef int _LOW_LINE
cdef int _OTHER
cdef int _DIGIT
cdef int _SMALL
cdef int _CAPITAL
cdef int _OUTSIDE
cdef int _TRAITS
cdef int _STRANGE
cdef int _DOTTED
cdef int _CAPITALS
cdef int _PERSONAL
cdef int _NUMBERED
cdef bint _COMPILED
cdef bytes _FORMS
cdef bytes _WORDS
cdef bytes _LONG_WORD
cdef bytes _LONG_NUMBER
cdef bytes _MASK

cpdef Py_ssize_t look(bytes path) except -1
@cython.locals(numbers=Py_ssize_t, word=Py_ssize_t, place=Py_ssize_t, at=Py_ssize_t, found=Py_ssize_t, after=bint, octet=cython.uchar, form=cython.uchar)
cpdef Py_ssize_t _looked_through(bytes path) except -1
@cython.locals(octet=cython.uchar)
cpdef bint all_in(bytes octets, bytes kinds) except -1
cpdef bytes without_people(bytes path, Py_ssize_t seen)
@cython.locals(octets=cython.p_char, octet=cython.uchar, size=Py_ssize_t, begin=Py_ssize_t, numbers=Py_ssize_t, at=Py_ssize_t, pieces=list)
cpdef bytes _without_numbers(bytes path)
