cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcmp

cdef int _MOST_PROBES
cdef int _HEADER
cdef int _NO_FOLDER
cdef bint _COMPILED


cdef inline bint begins(bytes path, bytes folder, Py_ssize_t cut):
    return PyBytes_GET_SIZE(folder) == cut and memcmp(PyBytes_AS_STRING(path), PyBytes_AS_STRING(folder), cut) == 0


cdef inline bint stands(const unsigned char[::1] entries, Py_ssize_t place, bytes path, Py_ssize_t begin, Py_ssize_t size):
    return memcmp(&entries[place], PyBytes_AS_STRING(path) + begin, size) == 0


cdef inline bytes cut_out(const unsigned char[::1] entries, Py_ssize_t begin, Py_ssize_t end):
    return PyBytes_FromStringAndSize(<const char *>&entries[begin], end - begin)


cdef bint _begins(bytes path, bytes folder, Py_ssize_t cut) except -1
cdef bint _stands(const unsigned char[::1] entries, Py_ssize_t place, bytes path, Py_ssize_t begin, Py_ssize_t size) except -1
cdef bytes _cut_out(const unsigned char[::1] entries, Py_ssize_t begin, Py_ssize_t end)

cdef class AddressTable:
    cdef const unsigned char[::1] _entries
    cdef const unsigned int[::1] _slots
    cdef unsigned long long _size
    cdef list _folders
    @cython.locals(entries='const unsigned char[::1]', at=Py_ssize_t, place=Py_ssize_t, begin=Py_ssize_t)
    cpdef bytes find(self, int portal, object seed, bytes path, Py_ssize_t cut)
    @cython.locals(
        entries='const unsigned char[::1]', slots='const unsigned int[::1]', end=Py_ssize_t, number='unsigned long long',
        at=Py_ssize_t, there='unsigned int', place=Py_ssize_t, folder=int, leaf=int, begin=Py_ssize_t,
    )
    cpdef Py_ssize_t slot(self, int portal, object seed, bytes path, Py_ssize_t cut) except -2
