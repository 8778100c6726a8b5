/* Y = W X + b for any W, nothing dropped and no zero multiplied. Float32; linear products and convolutions alike.

   Positions (columns of Y) are cut into tiles, the columns of W that are in use into chunks, so that the rows of X of a
   chunk, packed for a tile, stay in the L1 cache. Within each chunk anew, rows are bundled by two or four: first come the
   columns that all rows of a bundle use, one load of X for all of them, then those of its halves, then each row's own.
   Bundles of like counts follow one another, so that the ends of loops are predicted. All sums of a bundle stay in
   registers; between chunks they lie in a packed tile of Y. A bundle's last steps, where one row has fewer columns than
   another, multiply 0 by a line of zeros behind the chunk's columns: no X that is not the row's own is ever touched. */

#include "positions.h"

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

int64_t sparse_lanes(void) { return LANES; }
int64_t sparse_vectors(void) { return VECTORS; }
int64_t sparse_unit(void) { return UNIT; }
int64_t sparse_most_tiles(void) { return MOST_TILES; }

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
