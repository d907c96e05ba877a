cimport cython
from redirect_rules.octets cimport joined
from redirect_rules.packed_rules cimport Alone, Packed, packed
from redirect_rules.stores.address_table cimport AddressTable

cdef bytes _PLAIN

cdef class MappedAlone(Alone):
    cdef object _get
    cdef AddressTable _addresses
    cdef int _portal
    cdef object _seed
    cdef object _table
    cdef bytes _number
    cdef object _places
    cdef dict _begins
    @cython.locals(record=bytes)
    cpdef Packed find(self, bytes path, Py_ssize_t cut)
    @cython.locals(addresses=AddressTable, octets=cython.p_char, end=Py_ssize_t, begin=bytes, key=bytes, found=bytes)
    cpdef bytes record(self, bytes path, Py_ssize_t cut)
    cdef bytes _key(self, bytes path, Py_ssize_t cut)
