/* What the C kernels share: vectors, and the positions of Y as runs of the input.

   A matrix product is a convolution of one image of one line with a 1 x 1 kernel. A convolution's row (c, kh, kw) of X at
   the positions of one output line is a run of one line of the padded input, so that tiles of X are packed from runs and
   no im2col is made. Strides are turned into runs beforehand by sorting the input's columns and lines by phase. */

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif
#if defined(__AVX512F__)
#include <immintrin.h>
#define STREAM(to, value) _mm512_stream_ps(to, (__m512)(value))
#elif defined(__AVX__)
#include <immintrin.h>
#define STREAM(to, value) _mm256_stream_ps(to, (__m256)(value))
#endif
#define LARGE (4 << 20) /* bytes that no second-level cache holds: written past it */
#define PACK_AHEAD 8 /* columns fetched ahead in packing */

typedef float vector __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t integers __attribute__((vector_size(LANES * 4)));

typedef struct {
    int64_t images, channels, height, width; /* of the input */
    int64_t kernel_height, kernel_width, stride, padding;
    int64_t out_height, out_width;
    int64_t by_position; /* of a matrix product: whether the features of a position lie together, in X and in Y */
} geometry;

/* The input as runs: its numbers (spread where there is a stride or padding), and how far apart they lie. */
typedef struct {
    const float *numbers, *end;
    int64_t lines, line;       /* of a plane, padded */
    int64_t image_size;
    int64_t plane, positions;  /* of Y: an image's, and all */
    int64_t run, run_step;     /* positions that follow one another in the input, and from one such run to the next */
    int64_t features;          /* of a position that lie together; 0 where the positions of a feature do */
} source;

typedef struct { int64_t from, to, count; } stretch;

/* Copy a run of `count` numbers in whole vectors: what is written past its end is written again by the next run, or lies
   in the slack of the buffer. Near the end of the input the exact bytes are copied instead. */
static inline void copy_run(float *to, const float *from, int64_t count, const float *end) {
    int64_t whole = (count + LANES - 1) / LANES * LANES;
    if (from + whole > end) { memcpy(to, from, count * sizeof(float)); return; }
    for (int64_t i = 0; i < whole; i += LANES) *(vector *)(to + i) = *(const vector *)(from + i);
}

/* Sort an input by phase and pad it: plane (n, c, a, b) holds the lines a, a + s, ... and columns b, b + s, ... */
static void spread(const float *x, float *to, const geometry *g, int64_t lines, int64_t line) {
    const int64_t s = g->stride, planes = g->images * g->channels;
#pragma omp parallel for schedule(static)
    for (int64_t plane = 0; plane < planes; plane++) {
        const float *from = x + plane * g->height * g->width;
        float *phases = to + plane * s * s * lines * line;
        memset(phases, 0, s * s * lines * line * sizeof(float));
        for (int64_t h = 0; h < g->height; h++) {
            const int64_t ph = h + g->padding;
            for (int64_t b = 0; b < s; b++) {
                /* the first column of the input in this phase */
                int64_t w = (b - g->padding % s + s) % s;
                float *out = phases + (((ph % s) * s + b) * lines + ph / s) * line + (w + g->padding) / s;
                for (; w < g->width; w += s) *out++ = from[h * g->width + w];
            }
        }
    }
}

static int is_spread(const geometry *g) { return g->stride > 1 || g->padding > 0; }

/* Where the numbers of an input lie that is spread already, where it has to be. */
static source described(const float *numbers, const geometry *g) {
    const int64_t s = g->stride;
    source from = {.numbers = numbers, .lines = g->height, .line = g->width, .plane = g->out_height * g->out_width};
    if (is_spread(g)) {
        from.lines = (g->height + 2 * g->padding + s - 1) / s;
        from.line = (g->width + 2 * g->padding + s - 1) / s;
    }
    from.image_size = g->channels * s * s * from.lines * from.line;
    from.end = from.numbers + g->images * from.image_size;
    from.positions = g->images * from.plane;
    /* where the input's lines are the output's, a whole image is one run */
    const int flat = g->kernel_height * g->kernel_width == 1 && s == 1 && !g->padding;
    from.run = flat ? from.plane : g->out_width;
    from.run_step = flat ? from.plane : from.line;
    from.features = g->by_position ? g->channels : 0;
    return from;
}

/* The input of a product as runs; `padded` is room for the spread input (0 numbers are needed when stride is 1 and padding 0). */
static source source_of(const float *x, float *padded, const geometry *g) {
    source from = described(is_spread(g) ? padded : x, g);
    if (is_spread(g)) spread(x, padded, g, from.lines, from.line);
    return from;
}

/* Where each of `count` columns of W begins in the source: channel c at kernel position (kh, kw). */
static void find_places(int64_t *places, const geometry *g, const int64_t *columns, int64_t count, const source *x) {
    const int64_t s = g->stride, area = g->kernel_height * g->kernel_width;
    if (area == 1 && s == 1) { /* nothing to divide, which at one position takes as long as the product */
        for (int64_t i = 0; i < count; i++) places[i] = x->features ? columns[i] : columns[i] * x->lines * x->line;
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        const int64_t c = columns[i], kh = c % area / g->kernel_width, kw = c % g->kernel_width;
        places[i] = ((c / area * s * s + kh % s * s + kw % s) * x->lines + kh / s) * x->line + kw / s;
    }
}

/* Cut the `size` positions from `at` on into runs of the source, places counted from a column's first; return how many. */
static int cut(stretch *out, int64_t at, int64_t size, const source *x) {
    int runs = 0;
    int64_t to = 0, left = x->positions - at < size ? x->positions - at : size;
    while (left > 0) {
        const int64_t q = at % x->plane, w = q % x->run, count = x->run - w < left ? x->run - w : left;
        out[runs++] = (stretch){at / x->plane * x->image_size + q / x->run * x->run_step + w, to, count};
        to += count; at += count; left -= count;
    }
    return runs;
}

/* Pack one column at the positions of a tile: `size` numbers, a multiple of LANES, from `from` on; `later` is fetched meanwhile. */
static inline __attribute__((always_inline)) void pack_column(float *to, const float *from, const float *later,
        const stretch *part, int runs, int64_t size, const float *end) {
    if (part->count == size) { /* one run, whole vectors */
        for (int64_t v = 0; v < size; v += LANES) __builtin_prefetch(later + part->from + v);
        for (int64_t v = 0; v < size; v += LANES) *(vector *)(to + v) = *(const vector *)(from + part->from + v);
        return;
    }
    for (int i = 0; i < runs; i++) copy_run(to + part[i].to, from + part[i].from, part[i].count, end);
}

/* Store a vector, past the caches where that is asked for and its address allows it. */
static inline __attribute__((always_inline)) void store(float *to, vector value, int past) {
#ifdef STREAM
    if (past && !((uintptr_t)to % sizeof(vector))) { STREAM(to, value); return; }
#endif
    (void)past;
    *(vector *)to = value;
}

/* To be called after `store` past the caches, before another thread reads. */
static inline void fence(void) {
#ifdef STREAM
    _mm_sfence();
#endif
}

/* Whether a Y of so many rows is to be written past the caches: it does not fit into the second one, and a row's positions lie together. */
static inline int is_large(const source *x, int64_t rows) {
    return !x->features && x->positions * rows * (int64_t)sizeof(float) >= LARGE;
}

/* Write a row of a tile, `from`, to its places in Y, which has `rows` rows an image, `past` the caches or not. */
static inline void write_row(float *y, const float *from, int64_t row, int64_t rows, int64_t at, int64_t size, const source *x, int past) {
    int64_t left = x->positions - at < size ? x->positions - at : size;
    while (left > 0) {
        const int64_t image = at / x->plane, q = at % x->plane, count = x->plane - q < left ? x->plane - q : left;
        float *to = y + (image * rows + row) * x->plane + q;
        int64_t i = 0;
        for (; past && i + LANES <= count; i += LANES) store(to + i, *(const vector *)(from + i), 1);
        memcpy(to + i, from + i, (count - i) * sizeof(float));
        from += count; at += count; left -= count;
    }
}

#if LANES == 16
#define LOW_HALVES 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_HALVES 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif LANES == 8
#define LOW_HALVES 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_HALVES 4, 12, 5, 13, 6, 14, 7, 15
#else
#define LOW_HALVES 0, 4, 1, 5
#define HIGH_HALVES 2, 6, 3, 7
#endif
#ifdef __clang__
#define INTERLEAVE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define INTERLEAVE(a, b, ...) __builtin_shuffle(a, b, (integers){__VA_ARGS__})
#endif

/* Transpose a square of numbers by interleaving its upper and lower half log2(LANES) times. */
static inline __attribute__((always_inline)) void transpose(vector *square) {
    for (int step = 1; step < LANES; step *= 2) {
        vector next[LANES];
        for (int i = 0; i < LANES / 2; i++) {
            next[2 * i] = INTERLEAVE(square[i], square[i + LANES / 2], LOW_HALVES);
            next[2 * i + 1] = INTERLEAVE(square[i], square[i + LANES / 2], HIGH_HALVES);
        }
        for (int i = 0; i < LANES; i++) square[i] = next[i];
    }
}

/* to[i * to_step + j] = from[j * line + places[i]] for i < count and j < size; places ascend and are below `line`.
   Whole squares are transposed, and the rows of them that are listed are kept. */
static inline void gather_transposed(float *to, int64_t to_step, const float *from, int64_t line, const int64_t *places, int64_t count, int64_t size) {
    for (int64_t i = 0, next; i < count; i = next) {
        const int64_t first = places[i] + LANES <= line ? places[i] : line - LANES;
        int64_t row[LANES], j = 0;
        for (int l = 0; l < LANES; l++) row[l] = -1;
        for (next = i; next < count && places[next] < first + LANES && first >= 0; next++) row[places[next] - first] = next;
        if (first < 0) next = i + 1; /* the line is shorter than a vector */
        for (; first >= 0 && j + LANES <= size; j += LANES) {
            vector square[LANES];
            for (int l = 0; l < LANES; l++) __builtin_prefetch(from + (j + l) * line + first + 4 * LANES);
            for (int l = 0; l < LANES; l++) square[l] = *(const vector *)(from + (j + l) * line + first);
            transpose(square);
            for (int l = 0; l < LANES; l++)
                if (row[l] >= 0) *(vector *)(to + row[l] * to_step + j) = square[l];
        }
        for (; j < size; j++)
            for (int64_t k = i; k < next; k++) to[k * to_step + j] = from[j * line + places[k]];
    }
}

/* to[j * line + places[i]] = from[i * from_step + j] for i < count and j < size, and 0 where no place is; `past` the caches
   or not. Places ascend and are below `line`. */
static inline void scatter_transposed(float *to, int64_t line, const float *from, int64_t from_step, const int64_t *places, int64_t count, int64_t size, int past) {
    for (int64_t first = 0, i = 0, width; first < line; first += width) {
        width = first + LANES <= line ? LANES : line - first;
        const float *row[LANES] = {0};
        for (; i < count && places[i] < first + width; i++) row[places[i] - first] = from + i * from_step;
        int64_t j = 0;
        for (; width == LANES && j + LANES <= size; j += LANES) {
            vector square[LANES];
            for (int l = 0; l < LANES; l++) square[l] = row[l] ? *(const vector *)(row[l] + j) : (vector){0};
            transpose(square);
            for (int l = 0; l < LANES; l++) store(to + (j + l) * line + first, square[l], past);
        }
        for (; j < size; j++)
            for (int64_t l = 0; l < width; l++) to[j * line + first + l] = row[l] ? row[l][j] : 0.0f;
    }
}

/* to[j * line + i] = from[i * from_step + j] for i < count and j < size, `past` the caches or not; `from` has whole vectors of
   positions. Where a last square has fewer rows than a vector it begins earlier and writes some numbers again. */
static inline void write_transposed(float *to, int64_t line, const float *from, int64_t from_step, int64_t count, int64_t size, int past) {
    for (int64_t i = 0; i < count && count < LANES; i++)
        for (int64_t j = 0; j < size; j++) to[j * line + i] = from[i * from_step + j];
    for (int64_t first = 0; first < count && count >= LANES; first += LANES) {
        if (first + LANES > count) first = count - LANES;
        for (int64_t j = 0; j < size; j += LANES) {
            vector square[LANES];
            for (int l = 0; l < LANES; l++) square[l] = *(const vector *)(from + (first + l) * from_step + j);
            transpose(square);
            for (int l = 0; l < LANES && j + l < size; l++) store(to + (j + l) * line + first, square[l], past);
        }
    }
}

/* Pack the positions from `at` on, `size` of them, of `count` columns whose places are given: column i at to + i * step.
   `runs` are those positions as `cut` gives them. Behind the last column may lie LANES numbers that are overwritten. */
static inline void pack(float *to, int64_t step, const int64_t *places, int64_t count, int64_t at, int64_t size, const stretch *part, int runs, const source *from) {
    if (from->features) {
        const int64_t left = from->positions - at < size ? from->positions - at : size;
        gather_transposed(to, step, from->numbers + at * from->features, from->features, places, count, left);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        pack_column(to + i * step, from->numbers + places[i], from->numbers + places[i + PACK_AHEAD < count ? i + PACK_AHEAD : i], part, runs, size, from->end);
}
