from posix.time cimport CLOCK_REALTIME, clock_gettime, timespec

cdef bint _COMPILED


cdef inline long long read_ticks():
    cdef timespec now
    clock_gettime(CLOCK_REALTIME, &now)
    return now.tv_sec * 1_000_000_000LL + now.tv_nsec


cpdef long long ticks() except -1
