/* The operations of tiles.h in plain C, for processors without AMX: sums in float32, even and odd numbers of the pairs apart, as the
   unit's description says. Tiles are those of a thread, and must be configured before use. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local struct { int is_configured; uint32_t words[8][16][16]; } emulated;

static inline void check_configured(void) { if (!emulated.is_configured) abort(); }

static void load_tile(int tile, const void *from, int64_t step) {
    check_configured();
    for (int i = 0; i < 16; i++) memcpy(emulated.words[tile][i], (const char *)from + i * step, 64);
}

static void store_tile(int tile, void *to, int64_t step) {
    check_configured();
    for (int i = 0; i < 16; i++) memcpy((char *)to + i * step, emulated.words[tile][i], 64);
}

static inline float as_float(uint32_t word) { float value; memcpy(&value, &word, 4); return value; }

static void add_product(int sums, int a, int b) {
    check_configured();
    for (int m = 0; m < 16; m++)
        for (int n = 0; n < 16; n++) {
            float even = 0.0f, odd = 0.0f, sum = as_float(emulated.words[sums][m][n]);
            for (int k = 0; k < 16; k++) {
                const uint32_t x = emulated.words[a][m][k], y = emulated.words[b][k][n];
                even += as_float(x << 16) * as_float(y << 16);
                odd += as_float(x & 0xffff0000u) * as_float(y & 0xffff0000u);
            }
            sum += even + odd;
            memcpy(&emulated.words[sums][m][n], &sum, 4);
        }
}

#define LOAD_TILE(tile, from, step) load_tile(tile, from, step)
#define STORE_TILE(tile, to, step) store_tile(tile, to, step)
#define ZERO_TILE(tile) (check_configured(), memset(emulated.words[tile], 0, sizeof emulated.words[tile]))
#define ADD_PRODUCT(sums, a, b) add_product(sums, a, b)

static void configure_tiles(void) { emulated.is_configured = 1; memset(emulated.words, 0xff, sizeof emulated.words); }
static void release_tiles(void) { emulated.is_configured = 0; }
static int64_t may_use_tiles(void) { return 1; }
