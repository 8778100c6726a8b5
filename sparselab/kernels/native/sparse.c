/* Y = W X + b for any W, nothing dropped and no zero multiplied. Float32; linear products and convolutions alike.

   Positions (columns of Y) are cut into tiles, the columns of W that are in use into chunks, so that the rows of X of a
   chunk, packed for a tile, stay in the L1 cache. Within each chunk anew, rows are bundled by two or four: first come the
   columns that all rows of a bundle use, one load of X for all of them, then those of its halves, then each row's own.
   Bundles of like counts follow one another, so that the ends of loops are predicted. All sums of a bundle stay in
   registers; between chunks they lie in a packed tile of Y. A bundle's last steps, where one row has fewer columns than
   another, multiply 0 by a line of zeros behind the chunk's columns: no X that is not the row's own is ever touched. */

#include "positions.h"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#define VECTORS 4     /* of a tile, at most */
#define UNIT 2        /* places of columns in a tile count so many numbers */
#define MOST_TILES 8  /* of a block of positions */

typedef struct {
    int64_t first, rows;          /* of W */
    const int64_t *bundle_starts; /* chunk c has the bundles bundle_starts[c] .. bundle_starts[c + 1) */
    const int32_t *rows_of;       /* of every bundle, counted from `first`; `rows`: none. One bundle more at the end */
    const uint16_t *counts;       /* of every bundle: steps in which all its rows, halves of them, ..., single rows share a column */
    const float *weights;         /* bundle by bundle, one a row and step */
    const int64_t *weight_starts; /* of every chunk */
    const uint16_t *places;       /* bundle by bundle, one a step and set of rows that share a column, in UNITs */
    const int64_t *place_starts;
    const float *bias;            /* rows + 1 */
} part;

typedef struct {
    int64_t rows;                 /* of W */
    const int64_t *used;          /* columns of W, ascending */
    int64_t columns, chunks;      /* of these */
    const int64_t *chunk_starts;  /* the last one is `columns` */
    int64_t bundle, vectors;      /* rows of a bundle, 2 or 4; vectors of a tile */
    int64_t parts;                /* ranges of rows, worked on one by one or at the same time */
    const part *part;
} product;

typedef struct {
    int64_t rows;
    const int64_t *used;
    int64_t columns, chunks;
    const int64_t *chunk_starts;
    const int64_t *starts;        /* of (chunk, row) in what follows; multiples of SINGLE_STEP */
    const float *weights;
    const uint16_t *places;       /* of columns, counted from the chunk's first; behind its last lies a 0 */
    const float *bias;
} single_product;

#define SINGLE_STEP 16

typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

int64_t sparse_lanes(void) { return LANES; }
int64_t sparse_vectors(void) { return VECTORS; }
int64_t sparse_unit(void) { return UNIT; }
int64_t sparse_most_tiles(void) { return MOST_TILES; }
int64_t sparse_single_step(void) { return SINGLE_STEP; }

/* The steps in which every `g` rows of a bundle share a column. */
#define STEPS(g) \
    if (g <= rows) for (int64_t n = *counts++; n > 0; n--) { \
        for (int r = 0; r < rows; r += g) { \
            const float *x = xs + (int64_t)places[r / g] * UNIT; \
            vector one[VECTORS]; \
            for (int v = 0; v < vectors; v++) one[v] = *(const vector *)(x + v * LANES); \
            for (int i = r; i < r + g && i < rows; i++) { \
                const float weight = w[i]; \
                for (int v = 0; v < vectors; v++) sum[i][v] += weight * one[v]; \
            } \
        } \
        w += rows; places += rows / g; \
    }

/* Add a chunk of a part to a packed tile of Y, `step` numbers a row. */
static inline __attribute__((always_inline)) void multiply(const part *p, int64_t chunk, const float *restrict xs,
        float *restrict ys, int64_t step, const int rows, const int vectors) {
    const float *w = p->weights + p->weight_starts[chunk];
    const uint16_t *places = p->places + p->place_starts[chunk];
    const int64_t first = p->bundle_starts[chunk], last = p->bundle_starts[chunk + 1];
    const uint16_t *counts = p->counts + first * (rows == 2 ? 2 : 3);
    for (int64_t b = first; b < last; b++) {
        const int32_t *at = p->rows_of + b * rows;
        vector sum[4][VECTORS];
        for (int r = 0; r < rows; r++) {
            float *later = ys + at[rows + r] * step, *now = ys + at[r] * step;
            for (int v = 0; v < vectors; v++) __builtin_prefetch(later + v * LANES);
            for (int v = 0; v < vectors; v++)
                if (chunk == 0) sum[r][v] = p->bias[at[r]] - (vector){0};
                else sum[r][v] = *(const vector *)(now + v * LANES);
        }
        STEPS(4) STEPS(2) STEPS(1)
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < vectors; v++) *(vector *)(ys + at[r] * step + v * LANES) = sum[r][v];
    }
}

#define CASE(r, v) if (rows == r && vectors == v) { multiply(p, chunk, xs, ys, step, r, v); return; }
#define CASES(v) CASE(2, v) CASE(4, v)

static void multiply_any(const part *p, int64_t chunk, const float *xs, float *ys, int64_t step, int64_t rows, int64_t vectors) {
    CASES(1) CASES(2) CASES(3) CASES(4)
}

/* Y of a product. `padded` is room for the spread input, `places` for a number a column, `scratch` is room for `threads`
   times scratch_size numbers; a block of positions has at most `most_tiles` tiles. */
void sparse_run(const float *x, float *y, float *padded, float *scratch, int64_t scratch_size, int64_t *places,
        const geometry *g, const product *p, int64_t most_tiles) {
    extern int omp_get_thread_num(void);
    const source from = source_of(x, padded, g);
    find_places(places, g, p->used, p->columns, &from);
    const int64_t tile = p->vectors * LANES, tiles = (from.positions + tile - 1) / tile;
    const int64_t blocks = (tiles + most_tiles - 1) / most_tiles;
    const int past = is_large(&from, p->rows);
    int64_t widest = 0;
    for (int64_t c = 0; c < p->chunks; c++)
        if (p->chunk_starts[c + 1] - p->chunk_starts[c] > widest) widest = p->chunk_starts[c + 1] - p->chunk_starts[c];

#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t item = 0; item < blocks * p->parts; item++) {
        const int64_t block = item / p->parts;
        const part *of = p->part + item % p->parts;
        const int64_t t0 = block * tiles / blocks, count = (block + 1) * tiles / blocks - t0; /* blocks of like size */
        float *xs = scratch + omp_get_thread_num() * scratch_size, *ys = xs + (widest + 1) * tile + LANES;
        const int64_t tile_size = (of->rows + 1) * tile;
        int runs[MOST_TILES];
        stretch stretches[MOST_TILES][VECTORS * LANES];
        for (int64_t t = 0; t < count && !from.features; t++) runs[t] = cut(stretches[t], (t0 + t) * tile, tile, &from);
        for (int64_t chunk = 0; chunk < p->chunks; chunk++) {
            const int64_t c0 = p->chunk_starts[chunk], c1 = p->chunk_starts[chunk + 1];
            for (int64_t t = 0; t < count; t++) {
                pack(xs, tile, places + c0, c1 - c0, (t0 + t) * tile, tile, stretches[t], runs[t], &from);
                memset(xs + (c1 - c0) * tile, 0, tile * sizeof(float));
                const int64_t left = from.positions - (t0 + t) * tile;
                multiply_any(of, chunk, xs, ys + t * tile_size, tile, p->bundle, left >= tile ? p->vectors : (left + LANES - 1) / LANES);
            }
        }
        for (int64_t t = 0; t < count; t++) {
            const int64_t at = (t0 + t) * tile, left = from.positions - at < tile ? from.positions - at : tile;
            const float *sums = ys + t * tile_size;
            if (from.features) write_transposed(y + at * p->rows + of->first, p->rows, sums, tile, of->rows, left, 0);
            else for (int64_t row = 0; row < of->rows; row++)
                write_row(y, sums + row * tile, of->first + row, p->rows, at, tile, &from, past);
        }
        fence();
    }
}

/* A row of weights times a gathered column of X. */
static inline float dot(const float *restrict w, const uint16_t *restrict places, int64_t count, const float *restrict x) {
    float sum[SINGLE_STEP] = {0};
#ifdef __AVX512F__
    __m512 total = _mm512_setzero_ps();
    for (int64_t i = 0; i < count; i += SINGLE_STEP)
        total = _mm512_fmadd_ps(_mm512_loadu_ps(w + i),
            _mm512_i32gather_ps(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)(places + i))), x, 4), total);
    _mm512_storeu_ps(sum, total);
#else
    for (int64_t i = 0; i < count; i += SINGLE_STEP)
        for (int j = 0; j < SINGLE_STEP; j++) sum[j] += w[i + j] * x[places[i + j]];
#endif
    for (int half = SINGLE_STEP / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++) sum[j] += sum[j + half];
    return sum[0];
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define PLACE(at, i) ((at) >> (48 - 16 * (i)) & 0xffff)
#else
#define PLACE(at, i) ((at) >> 16 * (i) & 0xffff)
#endif

/* The same with one load a number of X; four places are read at once, since loads are what there is least of. */
static inline float dot_plain(const float *restrict w, const uint16_t *restrict places, int64_t count, const float *restrict x) {
    four sum[SINGLE_STEP / 4] = {0};
    for (int64_t i = 0; i < count; i += SINGLE_STEP)
        for (int j = 0; j < SINGLE_STEP / 4; j++) {
            uint64_t at;
            memcpy(&at, places + i + 4 * j, sizeof at);
            const four part = {x[PLACE(at, 0)], x[PLACE(at, 1)], x[PLACE(at, 2)], x[PLACE(at, 3)]};
            sum[j] += *(const four *)(w + i + 4 * j) * part;
        }
    const four total = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    return (total[0] + total[1]) + (total[2] + total[3]);
}

/* Y of a product of few positions, one after the other; `column` is room for a number a column and chunk. */
void sparse_run_single(const float *x, float *y, float *padded, float *column, int64_t *places, const geometry *g, const single_product *p, int64_t gathers) {
    const source from = source_of(x, padded, g);
    find_places(places, g, p->used, p->columns, &from);
    for (int64_t position = 0; position < from.positions; position++) {
        stretch at = {.from = position * from.features};
        if (!from.features) cut(&at, position, 1, &from);
        for (int64_t chunk = 0; chunk < p->chunks; chunk++) {
            for (int64_t c = p->chunk_starts[chunk]; c < p->chunk_starts[chunk + 1]; c++) column[c + chunk] = from.numbers[places[c] + at.from];
            column[p->chunk_starts[chunk + 1] + chunk] = 0.0f;
        }
        float *out = from.features ? y + position * p->rows : y + position / from.plane * p->rows * from.plane + position % from.plane;
        const int64_t out_step = from.features ? 1 : from.plane;
#pragma omp parallel for schedule(static)
        for (int64_t row = 0; row < p->rows; row++) {
            float sum = p->bias[row];
            for (int64_t chunk = 0; chunk < p->chunks; chunk++) {
                const int64_t *start = p->starts + chunk * p->rows + row;
                const float *w = p->weights + start[0], *values = column + p->chunk_starts[chunk] + chunk;
                const uint16_t *of = p->places + start[0];
                sum += gathers ? dot(w, of, start[1] - start[0], values) : dot_plain(w, of, start[1] - start[0], values);
            }
            out[row * out_step] = sum;
        }
    }
}
