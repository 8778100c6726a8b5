/* Operations of the matrix unit AMX on its tiles 0 .. 7: 16 rows of 64 bytes each.

   As assembly of our own: the compilers' intrinsics do not say that they read and write memory, so that stores before them are moved
   or dropped. */

#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD_TILE(tile, from, step) __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile :: "r"(from), "r"((int64_t)(step)) : "memory")
#define STORE_TILE(tile, to, step) __asm__ volatile("tilestored %%tmm" #tile ", (%0,%1,1)" :: "r"(to), "r"((int64_t)(step)) : "memory")
#define ZERO_TILE(tile) __asm__ volatile("tilezero %%tmm" #tile ::: "memory")
/* sums += a b: a has 16 rows of 32 numbers, b 16 rows of 16 pairs, row k the numbers 2 k and 2 k + 1 of each column */
#define ADD_PRODUCT(sums, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #sums ::: "memory")

/* Once a thread, before its first operation. */
static inline void configure_tiles(void) {
    struct { uint8_t palette, start, reserved[14]; uint16_t bytes[16]; uint8_t rows[16]; } all = {.palette = 1};
    for (int i = 0; i < 8; i++) { all.rows[i] = 16; all.bytes[i] = 64; }
    __asm__ volatile("ldtilecfg %0" :: "m"(all) : "memory");
}

/* Once a thread, after its last: a unit in use costs every switch of threads 8 KB. */
static inline void release_tiles(void) { __asm__ volatile("tilerelease" ::: "memory"); }

/* Whether the system lets this process use tiles; it must be asked once a process, and the answer looked at. */
static inline int64_t may_use_tiles(void) {
    enum { ask_to_use = 0x1023, what_may_be_used = 0x1022, tile_data = 18 };
    unsigned long features = 0;
    return !syscall(SYS_arch_prctl, ask_to_use, tile_data) && !syscall(SYS_arch_prctl, what_may_be_used, &features)
        && (features >> tile_data & 1);
}
