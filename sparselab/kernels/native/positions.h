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
#define PACK_AHEAD 8 /* columns fetched ahead in packing */

typedef float vector __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

typedef struct {
    int64_t images, channels, height, width; /* of the input */
    int64_t kernel_height, kernel_width, stride, padding;
    int64_t out_height, out_width;
} geometry;

/* The input as runs: its numbers (spread where there is a stride or padding), and how far apart they lie. */
typedef struct {
    const float *numbers, *end;
    int64_t lines, line;       /* of a plane, padded */
    int64_t image_size;
    int64_t plane, positions;  /* of Y: an image's, and all */
    int64_t run, run_step;     /* positions that follow one another in the input, and from one such run to the next */
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

/* The input of a product as runs; `padded` is room for the spread input (0 numbers are needed when stride is 1 and padding 0). */
static source source_of(const float *x, float *padded, const geometry *g) {
    const int64_t s = g->stride;
    source from = {.numbers = x, .lines = g->height, .line = g->width, .plane = g->out_height * g->out_width};
    if (s > 1 || g->padding) {
        from.lines = (g->height + 2 * g->padding + s - 1) / s;
        from.line = (g->width + 2 * g->padding + s - 1) / s;
        spread(x, padded, g, from.lines, from.line);
        from.numbers = padded;
    }
    from.image_size = g->channels * s * s * from.lines * from.line;
    from.end = from.numbers + g->images * from.image_size;
    from.positions = g->images * from.plane;
    /* where the input's lines are the output's, a whole image is one run */
    const int flat = g->kernel_height * g->kernel_width == 1 && s == 1 && !g->padding;
    from.run = flat ? from.plane : g->out_width;
    from.run_step = flat ? from.plane : from.line;
    return from;
}

/* Where each of `count` columns of W begins in the source: channel c at kernel position (kh, kw). */
static void find_places(int64_t *places, const geometry *g, const int64_t *columns, int64_t count, const source *x) {
    const int64_t s = g->stride, area = g->kernel_height * g->kernel_width;
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

/* Write a row of a tile, `from`, to its places in Y, which has `rows` rows an image. */
static void write_row(float *y, const float *from, int64_t row, int64_t rows, int64_t at, int64_t size, const source *x) {
    int64_t left = x->positions - at < size ? x->positions - at : size;
    while (left > 0) {
        const int64_t image = at / x->plane, q = at % x->plane, count = x->plane - q < left ? x->plane - q : left;
        memcpy(y + (image * rows + row) * x->plane + q, from, count * sizeof(float));
        from += count; at += count; left -= count;
    }
}
