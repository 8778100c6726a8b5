/* Y = W X + b for W made of panels: rows that share a list of columns. Bfloat16 in and out, sums in float32, by the matrix unit AMX;
   linear products and convolutions alike.

   X lies as lines of positions, one a feature (or channel and phase): a matrix is packed so, tile by tile of 32 positions; the images
   of a convolution are padded, and read where they are: their positions count the ends of lines too, so that a column of W is the
   channel from some place on. For each tile a panel's columns are gathered 32 at a time (a step) and interleaved in pairs, as the
   unit wants them, into a small ring that stays in the first-level cache, three steps ahead of the products and over the end of a
   panel into the next. Steps that lack columns gather a line of zeros. */

#ifdef EMULATED_TILES
#include EMULATED_TILES
#define WITH_TILES
#elif defined(__AMX_TILE__) && defined(__AMX_BF16__) && defined(__AVX512BF16__) && defined(__linux__)
#include "tiles.h"
#define WITH_TILES
#endif

#ifdef WITH_TILES
#include "lines.h"

#define STEP 1024 /* numbers of a step in the ring: 32 columns at 32 positions */
#define AHEAD 3   /* steps gathered before they are multiplied */
#define MOST_TILES 16
#define HEIGHT 32 /* rows of a part: two tiles of sums by two */

typedef struct {
    int64_t rows, panels;
    int64_t shared;                /* whether two panels share a row: then their sums are added up */
    int64_t ring;                  /* steps that the ring holds, a power of two: 4, or all of a panel of several parts and AHEAD more */
    const int64_t *step_starts;    /* panel g gathers the steps step_starts[g] .. step_starts[g + 1) */
    const int64_t *part_starts;    /* and has the parts part_starts[g] .. : at most HEIGHT rows each, which all use these steps */
    const int64_t *counts;         /* 3 a part: steps for all its rows, for the first 16 alone, and for the others alone, in this order */
    const int64_t *weight_starts;  /* a part's weights: step by step 16 rows of 32, or for all rows twice that */
    const int64_t *rows_of;        /* HEIGHT a part; -1 where there is none */
    const number *weights;
    const float *bias;             /* rows, or null */
} product;

typedef struct {
    int64_t tiles;                 /* of positions, worked on at once, at most */
    int64_t splits;                /* ranges of panels worked on at the same time; 1 where two panels share a row */
    const int64_t *split_starts;
    const int64_t *used;           /* features of a matrix that some panel uses, ascending */
    int64_t used_count;
    int64_t scratch_each;          /* numbers of scratch a thread */
} plan;

int64_t amx_permission(void) { return may_use_tiles(); }

/* What is gathered next: step after step of a panel's tiles, panel after panel. */
typedef struct {
    const product *p;
    const uint32_t *places;
    const number *const *bases;
    int64_t tiles, tile, panel, end;
    const char *base;
    const uint32_t *next;
    int64_t left;
} feed;

static void next_item(feed *f) {
    do {
        if (++f->tile == f->tiles) { f->tile = 0; f->panel++; }
        if (f->panel >= f->end) { f->next = f->places; f->left = 1; f->panel = f->end; return; } /* the end: gathered, never used */
        f->left = f->p->step_starts[f->panel + 1] - f->p->step_starts[f->panel];
    } while (!f->left);
    f->next = f->places + f->p->step_starts[f->panel] * 32;
    f->base = (const char *)f->bases[f->tile];
}

INLINE void advance(feed *f) { if (--f->left) f->next += 32; else next_item(f); }

/* A quarter of a step: pairs of columns at 32 positions; in each of both tiles these are positions in fours, taken by turns. */
INLINE void gather_quarter(number *to, const char *base, const uint32_t *places, const int quarter) {
    for (int i = 4 * quarter; i < 4 * quarter + 4; i++) {
        const __m512i a = _mm512_loadu_si512(base + places[2 * i]), b = _mm512_loadu_si512(base + places[2 * i + 1]);
        _mm512_storeu_si512(to + i * 32, _mm512_unpacklo_epi16(a, b));
        _mm512_storeu_si512(to + i * 32 + 512, _mm512_unpackhi_epi16(a, b));
    }
}

enum { all_rows, first_rows, other_rows };

/* Multiply `count` steps of the ring from step `at` on; gathers meanwhile where `fresh`. Returns the weights behind those used. */
INLINE const number *multiply(const number *w, int64_t count, number *ring, int64_t mask, int64_t at, feed *f, const int form, const int fresh) {
    for (int64_t k = at; k < at + count; k++) {
        const char *base = f->base;
        const uint32_t *places = f->next;
        number *to = ring + ((k + AHEAD) & mask) * STEP;
        const number *from = ring + (k & mask) * STEP;
        LOAD_TILE(6, from, 64);
        LOAD_TILE(4, w, 64);
        if (form == other_rows) ADD_PRODUCT(2, 4, 6); else ADD_PRODUCT(0, 4, 6);
        if (fresh) gather_quarter(to, base, places, 0);
        LOAD_TILE(7, from + 512, 64);
        if (form == other_rows) ADD_PRODUCT(3, 4, 7); else ADD_PRODUCT(1, 4, 7);
        if (fresh) gather_quarter(to, base, places, 1);
        if (form == all_rows) { LOAD_TILE(5, w + 512, 64); ADD_PRODUCT(2, 5, 6); }
        if (fresh) gather_quarter(to, base, places, 2);
        if (form == all_rows) ADD_PRODUCT(3, 5, 7);
        if (fresh) { gather_quarter(to, base, places, 3); advance(f); }
        w += form == all_rows ? 1024 : 512;
    }
    return w;
}

INLINE void sum_part(float *sums, const number *w, const int64_t *counts, int is_full, number *ring, int64_t mask, int64_t at, feed *f, const int fresh) {
    ZERO_TILE(0); ZERO_TILE(1); ZERO_TILE(2); ZERO_TILE(3);
    w = multiply(w, counts[0], ring, mask, at, f, all_rows, fresh);
    w = multiply(w, counts[1], ring, mask, at + counts[0], f, first_rows, fresh);
    multiply(w, counts[2], ring, mask, at + counts[0] + counts[1], f, other_rows, fresh);
    STORE_TILE(0, sums, 128); STORE_TILE(1, sums + 16, 128);
    if (is_full) { STORE_TILE(2, sums + 512, 128); STORE_TILE(3, sums + 528, 128); }
}

/* Sums of 32 positions, as `gather_quarter` orders them, in bfloat16 and in order. */
INLINE __m512i narrowed(__m512 low, __m512 high) {
    const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
    return _mm512_permutexvar_epi64(order, (__m512i)_mm512_cvtne2ps_pbh(high, low));
}

typedef struct {
    number *y;          /* of the tile's image */
    number *lines;      /* where features lie last: a row's 32 positions, to be transposed when all are there; else null */
    float *totals;      /* where two panels share a row: sums of all rows; else null */
    int64_t plane;      /* numbers from one row of Y to the next */
    int runs;
    stretch run[32];
} target;

INLINE void put_line(const target *to, int64_t row, __m512i line) {
    if (to->lines) { _mm512_storeu_si512(to->lines + row * 32, line); return; }
    number *y = to->y + row * to->plane;
    for (int i = 0; i < to->runs; i++)
        _mm512_mask_storeu_epi16(y + to->run[i].to - to->run[i].from, first(to->run[i].count) << to->run[i].from, line);
}

static void put_part(const float *sums, const int64_t *rows, const product *p, const target *to) {
    for (int r = 0; r < HEIGHT; r++, sums += 32) {
        if (rows[r] < 0) continue;
        __m512 low = _mm512_loadu_ps(sums), high = _mm512_loadu_ps(sums + 16);
        if (to->totals) {
            float *total = to->totals + rows[r] * 32;
            _mm512_storeu_ps(total, _mm512_add_ps(_mm512_loadu_ps(total), low));
            _mm512_storeu_ps(total + 16, _mm512_add_ps(_mm512_loadu_ps(total + 16), high));
            continue;
        }
        const __m512 bias = _mm512_set1_ps(p->bias ? p->bias[rows[r]] : 0.0f);
        put_line(to, rows[r], narrowed(_mm512_add_ps(low, bias), _mm512_add_ps(high, bias)));
    }
}

/* The panels g0 .. g1 at `tiles` tiles of X, whose lines begin at `bases`. */
static void run_panels(const product *p, const uint32_t *places, int64_t g0, int64_t g1, const number *const *bases, const target *to, int64_t tiles, number *ring) {
    float sums[2][HEIGHT * 32] __attribute__((aligned(64)));
    const int64_t mask = p->ring - 1;
    feed f = {.p = p, .places = places, .bases = bases, .tiles = tiles, .tile = tiles - 1, .panel = g0 - 1, .end = g1, .base = (const char *)bases[0]};
    int64_t at = 0, item = 0;
    /* A part's sums are written out behind the products of the next: read at once, they would wait for the unit to have stored them. */
    const int64_t *last_rows = 0;
    const target *last_to = 0;
    next_item(&f);
    for (int64_t k = 0; k < AHEAD; k++) {
        for (int quarter = 0; quarter < 4; quarter++) gather_quarter(ring + k * STEP, f.base, f.next, quarter);
        advance(&f);
    }
    for (int64_t g = g0; g < g1; g++)
        for (int64_t t = 0; t < tiles; t++) {
            for (int64_t part = p->part_starts[g]; part < p->part_starts[g + 1]; part++, item++) {
                const int64_t *rows = p->rows_of + part * HEIGHT, *counts = p->counts + part * 3;
                const number *w = p->weights + p->weight_starts[part];
                float *sum = sums[item & 1];
                if (part == p->part_starts[g]) sum_part(sum, w, counts, rows[16] >= 0, ring, mask, at, &f, 1);
                else sum_part(sum, w, counts, rows[16] >= 0, ring, mask, at, &f, 0);
                if (last_rows) put_part(sums[(item + 1) & 1], last_rows, p, last_to);
                last_rows = rows;
                last_to = to + t;
            }
            at += p->step_starts[g + 1] - p->step_starts[g];
        }
    if (last_rows) put_part(sums[(item + 1) & 1], last_rows, p, last_to);
}

/* Y of a product. `images` is room for the padded images (none for a matrix), `lines` for Y as lines of all tiles where features lie
   last and there are several splits; `places`: for each column of the steps, where its line begins, in bytes from a tile's. */
void amx_run(const number *x, number *y, number *images, number *scratch, number *lines, const uint32_t *places, const input *g, const product *p, const plan *how) {
    extern int omp_get_thread_num(void);
    const int64_t per_image = (g->positions + 31) / 32, total = g->images * per_image, blocks = (total + how->tiles - 1) / how->tiles;
    const int64_t out_plane = g->out_height * g->out_width, tile_size = (g->channels + 1) * 32, line_size = p->rows * 32;
    const int together = g->features_last && how->splits > 1;
#pragma omp parallel
    {
        configure_tiles();
        number *ring = scratch + omp_get_thread_num() * how->scratch_each;
        number *own_lines = ring + p->ring * STEP;
        float *totals = (float *)(own_lines + (g->features_last && !together ? how->tiles * line_size : 0));
        number *packed = (number *)(totals + (p->shared ? how->tiles * line_size : 0));
        if (!g->is_matrix && g->features_last && g->stride == 1) {
#pragma omp for schedule(static)
            for (int64_t i = 0; i < g->images; i++) spread_last(images, x, i, g);
        } else if (!g->is_matrix) {
#pragma omp for schedule(static)
            for (int64_t i = 0; i < g->images * (g->channels + 1); i++) spread(images, x, i / (g->channels + 1), i % (g->channels + 1), g);
        }
#pragma omp for schedule(dynamic, 1)
        for (int64_t item = 0; item < blocks * how->splits; item++) {
            const int64_t block = item / how->splits, split = item % how->splits;
            const int64_t t0 = block * total / blocks, tiles = (block + 1) * total / blocks - t0;
            const number *bases[MOST_TILES];
            target to[MOST_TILES];
            if (g->is_matrix) pack(packed, tile_size, x, t0 * 32, tiles, g, how->used, how->used_count);
            for (int64_t t = 0; t < tiles; t++) {
                const int64_t image = (t0 + t) / per_image, at = (t0 + t) % per_image * 32;
                bases[t] = g->is_matrix ? packed + t * tile_size : images + image * g->image + at;
                to[t].y = y + image * p->rows * out_plane;
                to[t].plane = out_plane;
                to[t].lines = together ? lines + (t0 + t) * line_size : g->features_last ? own_lines + t * line_size : 0;
                to[t].totals = p->shared ? totals + t * line_size : 0;
                to[t].runs = stretches_of(to[t].run, at, g);
                for (int64_t i = 0; p->shared && i < line_size; i++) to[t].totals[i] = p->bias ? p->bias[i / 32] : 0.0f;
            }
            run_panels(p, places, how->split_starts[split], how->split_starts[split + 1], bases, to, tiles, ring);
            for (int64_t t = 0; t < tiles; t++) {
                for (int64_t row = 0; p->shared && row < p->rows; row++)
                    put_line(to + t, row, narrowed(_mm512_loadu_ps(to[t].totals + row * 32), _mm512_loadu_ps(to[t].totals + row * 32 + 16)));
                if (to[t].lines && !together) put_transposed(to[t].y, to[t].lines, to[t].run, to[t].runs, p->rows);
            }
        }
        if (together) {
#pragma omp for schedule(static)
            for (int64_t t = 0; t < total; t++) {
                stretch run[32];
                const int runs = stretches_of(run, t % per_image * 32, g);
                put_transposed(y + t / per_image * p->rows * out_plane, lines + t * line_size, run, runs, p->rows);
            }
        }
        release_tiles();
    }
}
#else
#include <stdint.h>

/* Compiled for a processor, or by a compiler, without AMX in bfloat16. */
int64_t amx_permission(void) { return -1; }
#endif
