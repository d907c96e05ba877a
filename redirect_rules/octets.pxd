from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_SIZE
from libc.string cimport memchr, memcpy

cdef extern from "Python.h":
    PyObject *_borrowed "PyTuple_GET_ITEM" (object pieces, Py_ssize_t number)
    char *_octets "PyBytes_AS_STRING" (PyObject *piece)
    Py_ssize_t _size "PyBytes_GET_SIZE" (PyObject *piece)
    bint _is_octets "PyBytes_CheckExact" (PyObject *piece)

cdef bint _COMPILED


cdef inline bytes copied(tuple pieces):
    cdef Py_ssize_t size = 0, number, count = PyTuple_GET_SIZE(pieces)
    for number in range(count):
        if not _is_octets(_borrowed(pieces, number)):
            raise TypeError("only bytes can be put together")
        size += _size(_borrowed(pieces, number))
    cdef bytes made = PyBytes_FromStringAndSize(NULL, size)
    cdef char *to = PyBytes_AS_STRING(made)
    for number in range(count):
        size = _size(_borrowed(pieces, number))
        memcpy(to, _octets(_borrowed(pieces, number)), size)
        to += size
    return made


cpdef bytes joined(tuple pieces)


cdef inline Py_ssize_t placed(bytes octet, bytes octets, Py_ssize_t begin):
    cdef const char *first = PyBytes_AS_STRING(octets)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(octets)
    cdef const char *found
    if begin >= size:
        return -1
    found = <const char *>memchr(first + begin, PyBytes_AS_STRING(octet)[0], size - begin)
    return -1 if found == NULL else found - first


cpdef Py_ssize_t place_of(bytes octet, bytes octets, Py_ssize_t begin) except -2
