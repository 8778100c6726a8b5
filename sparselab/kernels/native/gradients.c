/* The gradients of Y = W X for W made of panels: dX = W' dY, and dW = dY X' at the places of the panels. Float32.

   dX: a tile of dX lies packed in the cache, so do the rows of dY, group by group; a few columns of a panel at a time are
   loaded, all rows of the panel added in registers, and stored. A convolution's tile is then added where the input lies.
   dW: lanes are rows of a panel, whose dY is transposed for a block of positions; X is read number by number, so that
   nothing is ever summed across lanes. Threads that share a panel have sums of their own. */

#include "panels.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

#define HUGE (32 << 20) /* bytes that malloc gives back to the system, so that they come as fresh pages every time */
#define SLAB TILE /* rows of a panel whose dW is summed at once, in VECTORS vectors */

int64_t gradients_slab(void) { return SLAB; }
int64_t gradients_lanes(void) { return LANES; }

typedef struct {
    int64_t parts;        /* of the positions (of one image, for dX), each worked on by one thread */
    int64_t tiles;        /* of a block of positions */
    int64_t splits;       /* ranges of panels worked on at the same time */
    const int64_t *split_starts;
    const int64_t *sum_starts; /* where the sums of each panel begin; the last one is how many there are */
} share;

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Have fresh memory come in large pages: clearing small ones, one by one, can take longer than the product. */
static void prefer_large_pages(float *numbers, int64_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    const uintptr_t page = 2 << 20, first = ((uintptr_t)numbers + page - 1) / page * page, last = ((uintptr_t)numbers + bytes) / page * page;
    if (bytes >= HUGE) madvise((void *)first, last - first, MADV_HUGEPAGE); /* a wish: what it answers changes nothing */
#endif
}

/* Add to n columns of dX the product of the `height` rows of dY listed; both lie `step` numbers apart. */
static inline __attribute__((always_inline)) void add_input(float *restrict xs, const int32_t *restrict columns, const float *restrict ys,
        const int64_t *restrict rows, int64_t step, const float *restrict w, int64_t height, const int n) {
    vector sum[ROWS][VECTORS];
    for (int q = 0; q < n; q++)
        for (int v = 0; v < VECTORS; v++) sum[q][v] = *(const vector *)(xs + columns[q] * step + v * LANES);
    for (int64_t r = 0; r < height; r++) {
        vector part[VECTORS];
        for (int v = 0; v < VECTORS; v++) part[v] = *(const vector *)(ys + rows[r] * step + v * LANES);
        for (int q = 0; q < n; q++) {
            const float weight = w[r * n + q];
            for (int v = 0; v < VECTORS; v++) sum[q][v] += weight * part[v];
        }
    }
    for (int q = 0; q < n; q++)
        for (int v = 0; v < VECTORS; v++) *(vector *)(xs + columns[q] * step + v * LANES) = sum[q][v];
}

/* Add to n columns of dW, `lanes` rows each, the products at `size` positions; X lies `step` numbers apart. */
static inline __attribute__((always_inline)) void add_weights(float *restrict sums, const float *restrict yt, const float *restrict xs,
        const int32_t *restrict columns, int64_t step, int64_t size, const int n, const int vectors) {
    vector sum[ROWS][VECTORS];
    const float *x[ROWS];
    for (int q = 0; q < n; q++) {
        x[q] = xs + columns[q] * step;
        for (int v = 0; v < vectors; v++) sum[q][v] = *(const vector *)(sums + (q * vectors + v) * LANES);
    }
    for (int64_t i = 0; i < size; i++) {
        vector part[VECTORS];
        for (int v = 0; v < vectors; v++) part[v] = *(const vector *)(yt + (i * vectors + v) * LANES);
        for (int q = 0; q < n; q++) {
            const float number = x[q][i];
            for (int v = 0; v < vectors; v++) sum[q][v] += number * part[v];
        }
    }
    for (int q = 0; q < n; q++)
        for (int v = 0; v < vectors; v++) *(vector *)(sums + (q * vectors + v) * LANES) = sum[q][v];
}

#if ROWS == 12
#define EACH(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#elif ROWS == 8
#define EACH(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
#else
#define EACH(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#endif

#define INPUT(n) case n: add_input(xs, columns, ys, rows, step, w, height, n); break;
static void add_input_any(float *xs, const int32_t *columns, const float *ys, const int64_t *rows, int64_t step, const float *w, int64_t height, int64_t n) {
    switch (n) { EACH(INPUT) }
}

#define WEIGHTS(n) case n: \
    if (vectors == 1) add_weights(sums, yt, xs, columns, step, size, n, 1); \
    else add_weights(sums, yt, xs, columns, step, size, n, VECTORS); \
    break;
static void add_weights_any(float *sums, const float *yt, const float *xs, const int32_t *columns, int64_t step, int64_t size, int64_t n, int64_t vectors) {
    switch (n) { EACH(WEIGHTS) }
}

/* Where each of `count` rows of dY begins. */
static void find_rows(int64_t *places, int64_t count, const source *y) {
    for (int64_t row = 0; row < count; row++) places[row] = y->features ? row : row * y->plane;
}

/* Take the input's gradient out of its spread form: the reverse of `spread`. */
static void gather_spread(float *x, const float *from, const geometry *g, const source *at) {
    const int64_t s = g->stride, planes = g->images * g->channels;
#pragma omp parallel for schedule(static)
    for (int64_t plane = 0; plane < planes; plane++) {
        const float *phases = from + plane * s * s * at->lines * at->line;
        for (int64_t h = 0; h < g->height; h++) {
            const int64_t ph = h + g->padding;
            for (int64_t w = 0; w < g->width; w++) {
                const int64_t pw = w + g->padding;
                x[(plane * g->height + h) * g->width + w] = phases[((ph % s * s + pw % s) * at->lines + ph / s) * at->line + pw / s];
            }
        }
    }
}

/* Put the values of all panels, each row by row, in the order in which a product reads them: a few columns at a time and
   within these row by row for dX, a few rows at a time and within these column by column for Y. */
void blocks_pack_values(const float *values, float *to, const product *p, int64_t for_input) {
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t panel = 0; panel < p->panels; panel++) {
        const int64_t height = p->row_starts[panel + 1] - p->row_starts[panel], width = p->column_starts[panel + 1] - p->column_starts[panel];
        const int64_t step = step_of(for_input ? width : height);
        const float *from = values + p->weight_starts[panel];
        float *out = to + p->weight_starts[panel];
        for (int64_t i = 0; for_input && i < width; i += step)
            for (int64_t r = 0; r < height; r++)
                for (int64_t q = i; q < least(i + step, width); q++) *out++ = from[r * width + q];
        for (int64_t i = 0; !for_input && i < height; i += step)
            for (int64_t c = 0; c < width; c++)
                for (int64_t q = i; q < least(i + step, height); q++) *out++ = from[q * width + c];
    }
}

/* Put what `blocks_weight_gradient` summed, all parts added up, in the order of the values. */
void blocks_take_sums(const float *sums, float *values, const product *p, const share *how) {
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t panel = 0; panel < p->panels; panel++) {
        const int64_t height = p->row_starts[panel + 1] - p->row_starts[panel], width = p->column_starts[panel + 1] - p->column_starts[panel];
        float *out = values + p->weight_starts[panel];
        for (int64_t r = 0; r < height; r++) {
            const int64_t first = r / SLAB * SLAB, lanes = height - first > LANES ? SLAB : LANES;
            const float *from = sums + how->sum_starts[panel] + first * width + r - first;
            for (int64_t c = 0; c < width; c++) {
                float sum = from[c * lanes];
                for (int64_t part = 1; part < how->parts; part++) sum += from[part * how->sum_starts[p->panels] + c * lanes];
                out[r * width + c] = sum;
            }
        }
    }
}

/* dX from dY. `spread` is room for `parts` times the spread input, or is dX itself where nothing is spread and parts is 1;
   `places` for a number a column and a row of W, `scratch` for `threads` times scratch_size numbers. */
void blocks_input_gradient(const float *dy, float *dx, float *spread, float *scratch, int64_t scratch_size, int64_t *places,
        const geometry *g, const geometry *of_y, const product *p, const share *how) {
    extern int omp_get_thread_num(void);
    const int is_matrix = g->kernel_height * g->kernel_width == 1 && g->images == 1 && g->height == 1 && !is_spread(g);
    const int64_t step = how->tiles * TILE, spread_size = g->images * described(dx, g).image_size;
    const source from = described(dy, of_y), into = described(spread, g);
    const int64_t bytes = g->images * g->channels * g->height * g->width * sizeof(float);
    const int past = bytes >= LARGE;
    int64_t *row_places = places + p->columns;
    prefer_large_pages(dx, bytes);
    find_places(places, g, p->used, p->columns, &into);
    find_rows(row_places, p->rows, &from);

#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t item = 0; item < g->images * how->parts; item++) {
        const int64_t image = item / how->parts, part = item % how->parts, tiles = (into.plane + TILE - 1) / TILE;
        const int64_t first = part * tiles / how->parts * TILE, last = least((part + 1) * tiles / how->parts * TILE, into.plane);
        float *ys = scratch + omp_get_thread_num() * scratch_size, *xs = ys + p->rows * step + LANES;
        float *out = is_matrix ? dx : spread + part * spread_size;
        if (!is_matrix) memset(out + image * into.image_size, 0, into.image_size * sizeof(float));
        for (int64_t begin = first; begin < last; begin += step) {
            const int64_t at = image * into.plane + begin, size = least(step, last - begin), whole = (size + TILE - 1) / TILE * TILE;
            stretch stretches[MOST_TILES * TILE];
            int runs = cut(stretches, at, size, &from);
            pack(ys, step, row_places, p->rows, at, whole, stretches, runs, &from);
            memset(xs, 0, p->columns * step * sizeof(float));
            for (int64_t panel = 0; panel < p->panels; panel++) {
                const int64_t r0 = p->row_starts[panel], height = p->row_starts[panel + 1] - r0;
                const int64_t k0 = p->column_starts[panel], count = p->column_starts[panel + 1] - k0, columns = step_of(count);
                for (int64_t t = 0; t < whole; t += TILE)
                    for (int64_t k = 0; k < count; k += columns)
                        add_input_any(xs + t, p->columns_of + k0 + k, ys + t, p->rows_of + r0, step, p->weights + p->weight_starts[panel] + k * height, height, least(columns, count - k));
            }
            if (is_matrix && into.features) scatter_transposed(out + at * into.features, into.features, xs, step, places, p->columns, size, past);
            else if (is_matrix)
                for (int64_t c = 0, used = 0; c < g->channels; c++) {
                    const int is_used = used < p->columns && p->used[used] == c;
                    float *to = out + c * into.plane + at;
                    const float *now = xs + used * step;
                    int64_t i = 0;
                    for (; i + LANES <= size; i += LANES) store(to + i, is_used ? *(const vector *)(now + i) : (vector){0}, past);
                    for (; i < size; i++) to[i] = is_used ? now[i] : 0.0f;
                    used += is_used;
                }
            else {
                runs = cut(stretches, at, size, &into);
                for (int64_t c = 0; c < p->columns; c++)
                    for (int r = 0; r < runs; r++) {
                        float *restrict to = out + places[c] + stretches[r].from;
                        const float *restrict add = xs + c * step + stretches[r].to;
                        for (int64_t i = 0; i < stretches[r].count; i++) to[i] += add[i];
                    }
            }
        }
        fence();
    }
    if (!is_matrix && how->parts > 1) {
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < spread_size; i++)
            for (int64_t part = 1; part < how->parts; part++) spread[i] += spread[part * spread_size + i];
    }
    if (spread != dx) gather_spread(dx, spread, g, &into);
}

/* The sums of dW of `parts` ranges of positions: panel by panel, SLAB rows at a time, within these column by column, a
   column's rows in one vector or all VECTORS. `padded`, `places` and `scratch` as above. */
void blocks_weight_gradient(const float *x, const float *dy, float *sums, float *padded, float *scratch, int64_t scratch_size, int64_t *places,
        const geometry *g, const geometry *of_y, const product *p, const share *how) {
    extern int omp_get_thread_num(void);
    const source from = source_of(x, padded, g), of_rows = described(dy, of_y);
    const int64_t step = how->tiles * TILE, tiles = (from.positions + TILE - 1) / TILE;
    int64_t *row_places = places + p->columns;
    find_places(places, g, p->used, p->columns, &from);
    find_rows(row_places, p->rows, &of_rows);

#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t item = 0; item < how->parts * how->splits; item++) {
        const int64_t part = item / how->splits, g0 = how->split_starts[item % how->splits], g1 = how->split_starts[item % how->splits + 1];
        const int64_t first = part * tiles / how->parts * TILE, last = least((part + 1) * tiles / how->parts * TILE, from.positions);
        float *xs = scratch + omp_get_thread_num() * scratch_size, *ys = xs + p->columns * step + LANES, *yt = ys + p->rows * step + LANES;
        float *total = sums + part * how->sum_starts[p->panels];
        memset(total + how->sum_starts[g0], 0, (how->sum_starts[g1] - how->sum_starts[g0]) * sizeof(float));
        for (int64_t at = first; at < last; at += step) {
            const int64_t size = least(step, last - at), whole = (size + TILE - 1) / TILE * TILE;
            stretch stretches[MOST_TILES * TILE];
            pack(xs, step, places, p->columns, at, whole, stretches, cut(stretches, at, size, &from), &from);
            pack(ys, step, row_places, p->rows, at, whole, stretches, cut(stretches, at, size, &of_rows), &of_rows);
            for (int64_t panel = g0; panel < g1; panel++) {
                const int64_t *rows = p->rows_of + p->row_starts[panel], height = p->row_starts[panel + 1] - p->row_starts[panel];
                const int64_t k0 = p->column_starts[panel], count = p->column_starts[panel + 1] - k0, columns = step_of(count);
                for (int64_t r = 0; count && r < height; r += SLAB) {
                    const int64_t lines = least(SLAB, height - r), vectors = lines > LANES ? VECTORS : 1;
                    for (int64_t v = 0; v < vectors; v++)
                        for (int64_t i = 0; i < whole; i += LANES) {
                            vector square[LANES];
                            for (int l = 0; l < LANES; l++)
                                square[l] = v * LANES + l < lines ? *(const vector *)(ys + rows[r + v * LANES + l] * step + i) : (vector){0};
                            transpose(square);
                            for (int l = 0; l < LANES; l++) *(vector *)(yt + ((i + l) * vectors + v) * LANES) = square[l];
                        }
                    float *to = total + how->sum_starts[panel] + r * count;
                    for (int64_t k = 0; k < count; k += columns)
                        add_weights_any(to + k * vectors * LANES, yt, xs, p->columns_of + k0 + k, step, size, least(columns, count - k), vectors);
                }
            }
        }
    }
}
