/* Y = W X + b for W made of panels: rows that share a list of columns. Float32; linear products and convolutions alike.

   Positions (columns of Y) are cut into blocks of a few tiles, columns of W into chunks. For each (block, chunk) the rows
   of X that the chunk names are packed tile by tile, so that they lie close together in the cache; then every panel runs
   its own columns of the chunk, a few output rows at a time, all sums held in registers. Nothing is gathered per panel. */

#include "panels.h"

typedef struct {
    int64_t tiles;  /* tiles a block of positions has at most */
    int64_t chunk;  /* columns packed at once */
    int64_t shared; /* whether two panels share a row: then Y is set to the bias before any product */
    int64_t splits; /* ranges of panels worked on at the same time; 1 where two panels share a row */
    const int64_t *split_starts;
} plan;

int64_t blocks_tile(void) { return TILE; }
int64_t blocks_ahead(void) { return AHEAD; }
int64_t blocks_most_tiles(void) { return MOST_TILES; }

static inline __attribute__((always_inline)) void multiply(const float *restrict x, const int32_t *restrict columns,
        int64_t first, const float *restrict w, int64_t count, float *const *restrict y, const float *restrict start,
        const int rows, const int vectors, int past) {
    vector sum[ROWS][VECTORS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            if (start) sum[r][v] = start[r] - (vector){0};
            else sum[r][v] = *(const vector *)(y[r] + v * LANES);
    for (int64_t i = 0; i < count; i++) {
        const float *ahead = x + (columns[i + AHEAD] - first) * TILE, *line = x + (columns[i] - first) * TILE;
        vector part[VECTORS];
        for (int v = 0; v < vectors; v++) __builtin_prefetch(ahead + v * LANES);
        for (int v = 0; v < vectors; v++) part[v] = *(const vector *)(line + v * LANES);
        for (int r = 0; r < rows; r++) {
            const float weight = w[i * rows + r];
            for (int v = 0; v < vectors; v++) sum[r][v] += weight * part[v];
        }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) store(y[r] + v * LANES, sum[r][v], past);
}

#define CASE(n) \
    case n: \
        if (vectors == 1) multiply(x, columns, first, w, count, y, start, n, 1, past); \
        else if (vectors == 2) multiply(x, columns, first, w, count, y, start, n, 2, past); \
        else multiply(x, columns, first, w, count, y, start, n, VECTORS, past); \
        break;

static void multiply_any(const float *x, const int32_t *columns, int64_t first, const float *w, int64_t count,
        float *const *y, const float *start, int rows, int vectors, int past) {
    switch (rows) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if ROWS > 6
        CASE(7) CASE(8)
#endif
#if ROWS > 8
        CASE(9) CASE(10) CASE(11) CASE(12)
#endif
    }
}

/* Write the rows that the panels g0 .. g1 have of a tile to Y, whose rows lie together position by position. */
static void write_positions(float *y, const float *tile, const product *p, int64_t g0, int64_t g1, int64_t at, int64_t positions, const int64_t *every_row) {
    const int64_t left = positions - at < TILE ? positions - at : TILE;
    if (g0 == 0 && g1 == p->panels) { scatter_transposed(y + at * p->rows, p->rows, tile, TILE, every_row, p->rows, left, 0); return; }
    for (int64_t i = p->row_starts[g0]; i < p->row_starts[g1]; i++)
        for (int64_t j = 0; j < left; j++) y[(at + j) * p->rows + p->rows_of[i]] = tile[p->rows_of[i] * TILE + j];
}

/* Y of a product over `positions` = images * out_height * out_width. `padded` is room for the spread input (0 numbers are
   needed when stride is 1 and padding 0), `places` for a number a column and a row, `scratch` is room for `threads` times scratch_size numbers. */
void blocks_run(const float *x, float *y, float *padded, float *scratch, int64_t scratch_size, int64_t *places,
        const geometry *g, const product *p, const plan *how) {
    extern int omp_get_thread_num(void);
    const source from = source_of(x, padded, g);
    int64_t *row_places = places + p->columns;
    find_places(places, g, p->used, p->columns, &from);
    for (int64_t row = 0; row < p->rows; row++) row_places[row] = row;
    const int64_t plane = from.plane, positions = from.positions, tiles = (positions + TILE - 1) / TILE;
    const int64_t blocks = (tiles + how->tiles - 1) / how->tiles;
    const int past = !how->shared && is_large(&from, p->rows);

#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t item = 0; item < blocks * how->splits; item++) {
        const int64_t block = item / how->splits, split = item % how->splits;
        const int64_t g0 = how->split_starts[split], g1 = how->split_starts[split + 1];
        const int64_t t0 = block * tiles / blocks, t1 = (block + 1) * tiles / blocks; /* blocks of like size */
        float *xs = scratch + omp_get_thread_num() * scratch_size;
        const int64_t tile_size = how->chunk * TILE + LANES;
        float *ys = xs + how->tiles * tile_size;
        /* A tile that is full and lies within one image is summed in Y itself, others in a tile of our own. */
        float *bases[MOST_TILES];
        int64_t steps[MOST_TILES];
        int direct[MOST_TILES], runs[MOST_TILES];
        stretch stretches[MOST_TILES * TILE];
        for (int64_t t = t0; t < t1; t++) {
            runs[t - t0] = cut(stretches + (t - t0) * TILE, t * TILE, TILE, &from);
            const int64_t at = t * TILE, image = at / plane;
            direct[t - t0] = !from.features && at + TILE <= (image + 1) * plane;
            bases[t - t0] = direct[t - t0] ? y + image * p->rows * plane + at % plane : ys + (t - t0) * p->rows * TILE;
            steps[t - t0] = direct[t - t0] ? plane : TILE;
            for (int64_t i = p->row_starts[g0]; how->shared && i < p->row_starts[g1]; i++) {
                float *out = bases[t - t0] + p->rows_of[i] * steps[t - t0];
                for (int j = 0; j < TILE; j++) out[j] = p->bias ? p->bias[p->rows_of[i]] : 0.0f;
            }
        }
        for (int64_t c0 = 0; c0 == 0 || c0 < p->columns; c0 += how->chunk) {
            const int fresh = c0 == 0 && !how->shared;
            const int64_t c1 = c0 + how->chunk < p->columns ? c0 + how->chunk : p->columns;
            if (from.features)
                for (int64_t t = 0; t < t1 - t0; t++) pack(xs + t * tile_size, TILE, places + c0, c1 - c0, (t0 + t) * TILE, TILE, 0, 0, &from);
            else for (int64_t c = c0; c < c1; c++) {
                const float *now = from.numbers + places[c], *later = from.numbers + places[c + PACK_AHEAD < p->columns ? c + PACK_AHEAD : c];
                for (int64_t t = 0; t < t1 - t0; t++)
                    pack_column(xs + t * tile_size + (c - c0) * TILE, now, later, stretches + t * TILE, runs[t], TILE, from.end);
            }
            for (int64_t panel = g0; panel < g1; panel++) {
                const int64_t k0 = p->column_starts[panel], k1 = p->column_starts[panel + 1];
                const int64_t r0 = p->row_starts[panel], height = p->row_starts[panel + 1] - r0;
                int64_t low = k0, high = k1, k;
                while (low < high) { k = (low + high) / 2; if (p->columns_of[k] < c0) low = k + 1; else high = k; }
                const int64_t first = low;
                for (high = k1; low < high;) { k = (low + high) / 2; if (p->columns_of[k] < c1) low = k + 1; else high = k; }
                const int64_t count = low - first;
                if (!count && !fresh) continue;
                const int64_t step = step_of(height);
                for (int64_t t = t0; t < t1; t++) {
                    const int64_t left = positions - t * TILE;
                    const int vectors = left >= TILE ? VECTORS : (left + LANES - 1) / LANES;
                    for (int64_t r = 0; r < height; r += step) {
                        const int rows = height - r < step ? height - r : step;
                        float *out[ROWS], start[ROWS];
                        for (int i = 0; i < rows; i++) {
                            const int64_t row = p->rows_of[r0 + r + i];
                            out[i] = bases[t - t0] + row * steps[t - t0];
                            start[i] = p->bias ? p->bias[row] : 0.0f;
                        }
                        multiply_any(xs + (t - t0) * tile_size, p->columns_of + first, c0,
                            p->weights + p->weight_starts[panel] + r * (k1 - k0) + (first - k0) * rows, count, out, fresh ? start : 0, rows, vectors, past && direct[t - t0] && c1 == p->columns);
                    }
                }
            }
        }
        for (int64_t t = t0; t < t1; t++) {
            if (direct[t - t0]) continue;
            if (from.features) { write_positions(y, bases[t - t0], p, g0, g1, t * TILE, positions, row_places); continue; }
            for (int64_t i = p->row_starts[g0]; i < p->row_starts[g1]; i++)
                write_row(y, bases[t - t0] + p->rows_of[i] * TILE, p->rows_of[i], p->rows, t * TILE, TILE, &from, past);
        }
        fence();
    }
}
