/* Y = W X + b for any W at few positions, one after the other: the numbers of X that a row uses are looked up one by one, or
   sixteen rows look up one number each in a window of X. Float32; linear products and convolutions alike. */

#include "positions.h"

#define SINGLE_STEP 16 /* weights at once; rows at once where they look into windows */
#define WINDOW 32      /* numbers of X in a window: two registers */
#define IN_WINDOW 128  /* of a place: there is a weight */

typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

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

typedef struct {
    int64_t rows;
    const int64_t *used;
    int64_t columns, bundles;     /* of SINGLE_STEP rows; the last one may have fewer */
    const int64_t *rows_of;       /* every row, bundle by bundle */
    const int64_t *starts;        /* of every bundle's steps */
    const int32_t *windows;       /* of every step: the column where its window begins */
    const uint8_t *places;        /* SINGLE_STEP a step, one a row: a place in the window, and IN_WINDOW; 0: no weight */
    const float *weights;         /* as the places */
    const float *bias;
} window_product;

int64_t sparse_single_step(void) { return SINGLE_STEP; }
int64_t sparse_window(void) { return WINDOW; }
int64_t sparse_in_window(void) { return IN_WINDOW; }

/* Whether this processor looks a whole step up by one instruction; without it load by load is quicker. */
int64_t sparse_permutes(void) {
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
    return 1;
#else
    return 0;
#endif
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

/* The sums of a bundle of rows: each step looks up a number a row, and counts where there is a weight. A window stays in the registers
   that it was read to, where gathering would read every number by itself. */
static inline void look_up(float *restrict sums, const window_product *p, int64_t bundle, const float *restrict x) {
    const int64_t first = p->starts[bundle], last = p->starts[bundle + 1];
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
    __m512 sum[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()}; /* two, which do not wait for one another */
    for (int64_t i = first; i < last; i++) {
        const float *window = x + p->windows[i];
        const __m128i places = _mm_loadu_si128((const void *)(p->places + i * SINGLE_STEP));
        const __m512 numbers = _mm512_maskz_permutex2var_ps(_mm_movepi8_mask(places), _mm512_loadu_ps(window),
            _mm512_cvtepu8_epi32(places), _mm512_loadu_ps(window + WINDOW / 2));
        sum[0] = _mm512_fmadd_ps(numbers, _mm512_loadu_ps(p->weights + i * SINGLE_STEP), sum[0]);
        const __m512 next = sum[0]; sum[0] = sum[1]; sum[1] = next;
    }
    _mm512_storeu_ps(sums, _mm512_add_ps(sum[0], sum[1]));
#else
    memset(sums, 0, SINGLE_STEP * sizeof(float));
    for (int64_t i = first; i < last; i++)
        for (int j = 0; j < SINGLE_STEP; j++) {
            const uint8_t place = p->places[i * SINGLE_STEP + j];
            if (place & IN_WINDOW) sums[j] += x[p->windows[i] + place % WINDOW] * p->weights[i * SINGLE_STEP + j];
        }
#endif
}

/* Y of a product of few positions by windows; `column` is room for a number a column, and for a whole window. It is null where a
   position's numbers lie together and all of them, a whole window, are in use: copying them takes as long as a tenth of the weights. */
void sparse_run_windows(const float *x, float *y, float *padded, float *column, int64_t *places, const geometry *g, const window_product *p) {
    const source from = source_of(x, padded, g);
    if (column) find_places(places, g, p->used, p->columns, &from);
    for (int64_t position = 0; position < from.positions; position++) {
        stretch at = {.from = position * from.features};
        if (!from.features) cut(&at, position, 1, &from);
        for (int64_t c = 0; column && c < p->columns; c++) column[c] = from.numbers[places[c] + at.from];
        const float *numbers = column ? column : from.numbers + at.from;
        float *out = from.features ? y + position * p->rows : y + position / from.plane * p->rows * from.plane + position % from.plane;
        const int64_t out_step = from.features ? 1 : from.plane;
#pragma omp parallel for schedule(static)
        for (int64_t bundle = 0; bundle < p->bundles; bundle++) {
            float sums[SINGLE_STEP];
            look_up(sums, p, bundle, numbers);
            for (int64_t i = bundle * SINGLE_STEP, j = 0; j < SINGLE_STEP && i + j < p->rows; j++)
                out[p->rows_of[i + j] * out_step] = sums[j] + p->bias[p->rows_of[i + j]];
        }
    }
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
